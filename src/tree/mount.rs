//! Mount points: they cannot be replaced, and no file can be renamed across them.

use std::os::fd::AsFd;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

use rustix::fs::{AtFlags, StatxFlags};

/// A number that identifies the mount of an open file. Two bind mounts of one file system have different
/// numbers, and the kernel renames nothing between them. (Before Linux 5.8 it is the number of the device.)
pub(crate) fn of(file: impl AsFd) -> rustix::io::Result<u64> {
    let stat = rustix::fs::statx(&file, "", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID)?;
    if stat.stx_mask & StatxFlags::MNT_ID.bits() != 0 {
        return Ok(stat.stx_mnt_id);
    }
    Ok(u64::from(stat.stx_dev_major) << 32 | u64::from(stat.stx_dev_minor))
}

/// All mount points that this process can see; none without `/proc`.
pub(crate) fn points() -> Vec<PathBuf> {
    parse(&std::fs::read("/proc/self/mountinfo").unwrap_or_default())
}

/// The fifth field of each line (`proc_pid_mountinfo(5)`), where spaces and similar bytes are octal.
fn parse(mountinfo: &[u8]) -> Vec<PathBuf> {
    let lines = mountinfo.split(|byte| *byte == b'\n');
    let fields = lines.filter_map(|line| line.split(|byte| *byte == b' ').nth(4));
    fields.map(|field| PathBuf::from(std::ffi::OsString::from_vec(unescape(field)))).collect()
}

fn unescape(field: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [first, after @ ..] = rest {
        let (byte, after) = match rest {
            [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..] => {
                ((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'), after)
            }
            _ => (*first, after),
        };
        plain.push(byte);
        rest = after;
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_are_read_from_the_fifth_field() {
        let text = b"22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n\
                     31 22 0:5 /sub /mnt/two\\040words\\134x rw shared:2 - tmpfs tmpfs rw\n\
                     \n";
        assert_eq!(parse(text), [PathBuf::from("/"), PathBuf::from("/mnt/two words\\x")]);
        assert!(points().contains(&PathBuf::from("/")));
    }

    #[test]
    fn proc_is_not_on_the_mount_of_the_root() {
        let open = |path| std::fs::File::open(path).unwrap();
        assert_eq!(of(open("/")), of(open("/")));
        assert_ne!(of(open("/")), of(open("/proc")));
    }
}
