"""The wheel holds all that Relato needs: in a fresh environment, away from its source, the demonstration runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("adapters", "deploy", "domain", "projections", "streams")
SOURCE = (*PACKAGES, "pyproject.toml", "README.md", "LICENSE")
LONGEST_S = 240


def run(*command: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Nothing of what surrounds the tests is seen: neither settings nor the source."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RELATO_", "PYTHONPATH"))}
    return subprocess.run(
        [*map(str, command)], check=False, capture_output=True, text=True, cwd=cwd, env=kept, timeout=LONGEST_S
    )


def pip(*arguments: object, cwd: Path, python: Path = Path(sys.executable)) -> None:
    done = run(python, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments, cwd=cwd)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def folder() -> Iterator[Path]:
    """PostgreSQL's account must be able to enter, when root runs the tests."""
    with tempfile.TemporaryDirectory(prefix="relato-wheel-", ignore_cleanup_errors=True) as found:
        Path(found).chmod(0o711)
        yield Path(found)


@pytest.fixture
def wheel(folder: Path) -> Path:
    """Built from a copy, in which the build may leave its traces."""
    asked = run(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "iniconfig", cwd=folder)
    if asked.returncode:
        pytest.skip("needs a package registry")
    source = folder / "source"
    source.mkdir()
    for name in SOURCE:
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, source / name)
    pip("wheel", "--no-deps", "--wheel-dir", folder, source, cwd=folder)
    (found,) = folder.glob("relato-*.whl")
    return found


@pytest.mark.timeout(2 * LONGEST_S)
def test_the_wheel_is_whole_and_the_demonstration_runs_from_it(wheel: Path, folder: Path) -> None:
    held = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in held if ".dist-info" not in name} == set(PACKAGES)
    kinds = {path.suffix for name in PACKAGES for path in (ROOT / name).rglob("*") if "jars" not in path.parts}
    assert {Path(name).suffix for name in held} >= kinds - {".pyc", ""}

    venv.create(folder / "fresh", with_pip=True)
    scripts = folder / "fresh" / "bin"
    pip("install", "--constraint", ROOT / "constraints.txt", wheel, cwd=folder, python=scripts / "python")
    done = run(scripts / "relato", "demo", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "signed head: sound." in done.stdout
    assert run(scripts / "python", "-m", "pip", "check", cwd=folder).returncode == 0
