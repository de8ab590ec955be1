# SPDX-License-Identifier: GPL-2.0-only
"""Files that come out of the guest: one tar stream, sorted to where the user wants them."""
import os
import shutil
import tarfile

COPIES = 'run/files/'               # where guest/init puts what has no size of its own


def unpack(archive, folder):
    """Plain files, folders and links; a stream that breaks off gives what is whole."""
    try:
        with tarfile.open(archive, 'r|') as tar:
            for member in tar:
                name = os.path.normpath(member.name.lstrip('/'))
                if name.startswith(COPIES):
                    name = name[len(COPIES):]
                if name.startswith('..') or not (member.isfile() or member.isdir()):
                    continue
                target = os.path.join(folder, name)
                if member.isdir():
                    os.makedirs(target, exist_ok=True)
                    continue
                os.makedirs(os.path.dirname(target), exist_ok=True)
                with open(target, 'wb') as out:
                    shutil.copyfileobj(tar.extractfile(member), out)
                os.chmod(target, 0o600 | (member.mode & 0o777))
    except (tarfile.TarError, EOFError):
        pass


def deliver(archive, folder, wanted):
    """Copy each (guest, host) pair out; returns the guest paths that did not arrive."""
    unpack(archive, folder)
    missing = []
    for guest, host in wanted:
        found = os.path.join(folder, os.path.normpath(guest).lstrip('/'))
        if host.endswith('/') or (os.path.isdir(host) and os.path.isfile(found)):
            os.makedirs(host, exist_ok=True)
            host = os.path.join(host, os.path.basename(os.path.normpath(guest)))
        if os.path.isdir(found):
            shutil.copytree(found, host, dirs_exist_ok=True)
        elif os.path.isfile(found):
            os.makedirs(os.path.dirname(os.path.abspath(host)), exist_ok=True)
            shutil.copy(found, host)
        else:
            missing.append(guest)
    return missing
