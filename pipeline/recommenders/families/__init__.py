"""One file a family. The file's name is the family's name; pipeline.recommenders.registry finds it by this folder."""
