#!/bin/sh
# Makes the working directory a workspace of this image's version, once, and runs a command in it.
# What a night reads and writes stays; code and dvc.yaml follow the image. params.yaml is the user's after the first time.
set -eu
source=${NETGAIN_SOURCE:-/opt/netgain}
if [ "${NETGAIN_WORKSPACE_INIT:-1}" = 1 ]; then
    mkdir -p .netgain
    version=$(cd "$source" && find pipeline dags infra dvc.yaml -type f ! -path '*__pycache__*' -exec cksum {} + | sort | cksum)
    if [ "$(cat .netgain/image-version 2>/dev/null || true)" != "$version" ]; then
        for part in pipeline dags infra .dvc; do
            rm -rf ".netgain/new-$part"
            mkdir -p ".netgain/new-$part"
            (cd "$source/$part" && tar -cf - --exclude=__pycache__ --exclude=tmp --exclude=cache --exclude=config.local .) |
                tar -xf - -C ".netgain/new-$part"
        done
        for part in pipeline dags infra; do
            rm -rf "./$part"
            mv ".netgain/new-$part" "./$part"
        done
        mkdir -p .dvc
        cp ".netgain/new-.dvc/config" .dvc/config
        rm -rf ".netgain/new-.dvc"
        for file in .dvcignore .gitignore dvc.yaml requirements.lock; do cp "$source/$file" "./$file"; done
        [ -e params.yaml ] || cp "$source/params.yaml" params.yaml
        if [ ! -d .git ]; then
            git init --quiet
            git add --all
            git -c user.name=netgain -c user.email=netgain@localhost commit --quiet --message "Workspace of the image"
        fi
        printf '%s\n' "$version" >.netgain/image-version
    fi
fi
exec "$@"
