"""``python -m signseg_rig``, the same as ``signseg-rig``."""

from signseg_rig.cli import main

if __name__ == "__main__":
    main()
