"""Where the project's own files are that lie beside the package: the bundled checkpoint, and what a Space needs."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def project_file(name: str) -> Path:
    """The path of a file or folder at the top of the project, such as "checkpoints/classical-piano".

    In a checkout it lies beside the package, in an installed package inside it (see pyproject.toml).
    """
    installed = _PACKAGE / "project"
    return (installed if installed.is_dir() else _PACKAGE.parent) / name


def package_files() -> dict[str, Path]:
    """Every file of the package itself, by its name in a checkout, such as "musiclstm/api.py"."""
    found = {path.relative_to(_PACKAGE): path for path in sorted(_PACKAGE.rglob("*")) if path.is_file()}
    ours = {name: path for name, path in found.items() if name.parts[0] != "project" and "__pycache__" not in name.parts}
    return {f"{_PACKAGE.name}/{name.as_posix()}": path for name, path in ours.items()}
