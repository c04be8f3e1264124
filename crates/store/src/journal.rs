//! Which journal a file system allows: a write-ahead log needs memory shared between processes, which network file
//! systems do not give.

use std::path::{Path, PathBuf};

/// How SQLite keeps a transaction atomic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Journal {
    /// A write-ahead log on local file systems, a rollback journal on network ones.
    #[default]
    Auto,
    /// A write-ahead log: readers and the writer never wait for each other.
    WriteAhead,
    /// A rollback journal: safe everywhere; the writer waits while a reader reads.
    Rollback,
}

impl Journal {
    /// Whether to use a write-ahead log in `directory`.
    pub(crate) fn is_write_ahead(self, directory: &Path) -> bool {
        match self {
            Self::Auto => !is_network(directory),
            Self::WriteAhead => true,
            Self::Rollback => false,
        }
    }
}

/// Whether `directory` is on a network file system, as far as the system tells (Linux: its mounts).
fn is_network(directory: &Path) -> bool {
    let Ok(directory) = directory.canonicalize() else { return false };
    let Ok(mounts) = std::fs::read_to_string("/proc/self/mountinfo") else { return false };
    file_system(&mounts, &directory).is_some_and(is_network_type)
}

/// The type of the file system that holds `directory`, from the text of `/proc/self/mountinfo`.
fn file_system<'a>(mounts: &'a str, directory: &Path) -> Option<&'a str> {
    mounts
        .lines()
        .filter_map(|line| {
            let (mount, system) = line.split_once(" - ")?;
            let point = PathBuf::from(unescape(mount.split(' ').nth(4)?));
            let depth = point.components().count();
            directory.starts_with(&point).then_some((depth, system.split(' ').next()?))
        })
        // A later mount covers an earlier one at the same place.
        .max_by_key(|&(depth, _)| depth)
        .map(|(_, system)| system)
}

/// Spaces, tabs, line breaks and backslashes in mount points are written in octal.
fn unescape(text: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .into_iter()
        .fold(text.to_owned(), |text, (code, character)| text.replace(code, character))
}

fn is_network_type(system: &str) -> bool {
    const NETWORK: [&str; 18] = [
        "nfs",
        "nfs4",
        "cifs",
        "smb",
        "smb2",
        "smb3",
        "smbfs",
        "9p",
        "afs",
        "ceph",
        "lustre",
        "gpfs",
        "beegfs",
        "glusterfs",
        "ocfs2",
        "gfs2",
        "virtiofs",
        "davfs",
    ];
    NETWORK.contains(&system) || system.starts_with("fuse.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deepest_mount_tells() {
        let mounts = "22 1 0:20 / / rw - overlay overlay rw\n\
                      30 22 0:30 / /mnt/my\\040share rw,relatime shared:1 - nfs4 server:/ rw\n\
                      31 22 0:31 / /mnt rw - ext4 /dev/sda1 rw\n";
        assert_eq!(file_system(mounts, Path::new("/mnt/my share/runs")), Some("nfs4"));
        assert_eq!(file_system(mounts, Path::new("/mnt/other")), Some("ext4"));
        assert_eq!(file_system(mounts, Path::new("/home")), Some("overlay"));
        assert!(is_network_type("nfs4") && is_network_type("fuse.sshfs") && !is_network_type("ext4"));
    }
}
