"""Who may change the files of rules, and the servers behind them: ``of_path``."""

import stat
from pathlib import Path

from superd.config.origin import Origin, Report


def of_path(path: Path, report: Report, what: str = "these rules") -> None:
    """Report a file, and each directory above it, that everybody may write to."""
    path = path.absolute()
    for each in (path, *path.parents):
        try:
            mode = each.stat().st_mode
        except OSError:
            continue
        protected = stat.S_ISDIR(mode) and mode & stat.S_ISVTX  # in /tmp, nobody can rename what others own
        if mode & stat.S_IWOTH and not protected:
            text = f"{each} may be written by everybody, who can so replace {what}"
            report.warning("hosts-writable", Origin(str(path)), text)
