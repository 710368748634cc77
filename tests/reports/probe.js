// Looks at every frame of the page: is anything cut off or overprinted, and what does axe-core find?
async function look(frame, axe) {
  const page = frame.contentDocument, window_ = frame.contentWindow;
  page.querySelectorAll("details").forEach((each) => (each.open = true));
  const root = page.documentElement;
  const found = {
    wider: root.scrollWidth - root.clientWidth,
    cut: [...page.querySelectorAll(".scroll")].filter((each) => each.scrollWidth > each.clientWidth + 1)
      .map((each) => each.getAttribute("aria-label")),
    overprinted: [],
    violations: [],
  };
  for (const svg of page.querySelectorAll("svg")) {
    const around = svg.getBoundingClientRect();
    if (!around.width) continue;
    const texts = [...svg.querySelectorAll("text")].map((each) => [each.textContent, each.getBoundingClientRect()]);
    texts.forEach(([text, box], i) => {
      if (box.left < around.left - 1 || box.right > around.right + 1) found.overprinted.push(`${text} leaves its plot`);
      for (const [other, its] of texts.slice(i + 1)) {
        const across = Math.min(box.right, its.right) - Math.max(box.left, its.left);
        const down = Math.min(box.bottom, its.bottom) - Math.max(box.top, its.top);
        if (across > 1 && down > 3) found.overprinted.push(`${text} and ${other}`);
      }
    });
  }
  if (axe) {
    const script = page.createElement("script");
    script.textContent = axe;
    page.head.append(script);
    const result = await window_.axe.run(page, { resultTypes: ["violations"] });
    found.violations = result.violations.map(
      (each) => `${each.id}: ${each.help}: ${each.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`);
  }
  return found;
}

addEventListener("load", async () => {
  const axe = document.getElementById("axe").textContent.replaceAll("<\\/script", "</script");
  const found = {};
  for (const frame of document.querySelectorAll("iframe")) found[frame.name] = await look(frame, axe);
  const pre = document.createElement("pre");
  pre.id = "found";
  pre.textContent = JSON.stringify(found);
  document.body.append(pre);
});
