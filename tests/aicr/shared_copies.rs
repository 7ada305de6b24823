//! Copies that share the bytes of their source (reflinks), on a file system that supports them: each copy matches
//! the manifest.

use std::io::Write as _;

use crate::sandbox::{Sandbox, UNSIGNED};

/// Mounts an XFS in a file, and copies the inputs to it. Exit 77 if the kernel refuses: only the administrator of
/// the machine may mount a file.
const ON_XFS: &str = "PATH=$PATH:/usr/sbin:/sbin; grep -q 4294967295 /proc/self/uid_map || exit 77; \
                      truncate -s 320M image && mkfs.xfs -q -f image && \
                      { mount -o loop image disk || exit 77; } && cp -r dist disk && cd disk";

const TRACED: &str = "strace -f -qq -o ../trace -e trace=ioctl aicr bundle dist --output B -q --jobs 1";

const MIB: usize = 1 << 20;

/// A test directory with two files whose copies are shared, and one that is too small.
fn test_dir() -> Sandbox {
    let sandbox = Sandbox::new();
    for (name, size) in [("large", 3 * MIB + 5), ("least", MIB), ("small", MIB - 1)] {
        let bytes: Vec<u8> = b"seventeen letters".iter().copied().cycle().take(size).collect();
        sandbox.file(&format!("dist/{name}"), bytes);
    }
    sandbox.directory("disk");
    sandbox
}

/// The results of the system calls for a shared copy.
fn attempts(sandbox: &Sandbox) -> Vec<String> {
    let calls = sandbox.read("trace");
    let of_a_copy = calls.lines().filter(|line| line.contains("FICLONE"));
    of_a_copy.map(|line| line.rsplit_once("= ").unwrap().1.split(' ').next().unwrap().to_owned()).collect()
}

/// Runs a shell command on an XFS in the directory `disk`, with a copy of `dist`. If none can be mounted, it says what
/// is not tested and returns nothing.
pub(crate) fn on_xfs(sandbox: &Sandbox, tested: &str, line: &str) -> Option<String> {
    let run = sandbox.program_run(["unshare", "-m", "sh", "-c", &format!("{ON_XFS} && {line}")]);
    let output = run.whatever_it_prints().output();
    if output.status.code() == Some(77) {
        let notice = format!("NOT TESTED: {tested}: no XFS can be mounted here\n");
        std::io::stderr().write_all(notice.as_bytes()).unwrap();
        return None;
    }
    assert!(output.status.success(), "{output:?}");
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn large_files_share_their_bytes_with_their_copies() {
    let sandbox = test_dir();
    // The source changes afterwards, and the copy does not.
    let line = format!(
        "chmod 750 dist/large && touch -d @1234567890 dist/large && {TRACED} && stat -c '%a %Y' B/large && \
         printf x >>dist/large && : >dist/least && (cd B && sha256sum --check --strict --quiet checksums.txt) && \
         aicr verify B --checksums-only -q && ls -A"
    );
    if let Some(printed) = on_xfs(&sandbox, "reflinks", &line) {
        assert_eq!(printed, "755 1234567890\nB\ndist\n");
        assert_eq!(attempts(&sandbox), ["0", "0"], "one for each large file");
    }
}

#[test]
fn shared_copies_need_no_space() {
    let sandbox = test_dir();
    let line = "fallocate -l 160M dist/huge && [ $(df --output=avail -B1M . | tail -n 1) -lt 160 ] && \
                aicr bundle dist --output B -q && aicr verify B --checksums-only -q";
    on_xfs(&sandbox, "reflinks", line);
}

#[test]
fn a_copy_that_cannot_be_shared_is_written() {
    let sandbox = test_dir();
    // The system call reports success without sharing anything, or fails.
    for outcome in ["retval=0", "error=EDQUOT"] {
        let line = format!(
            "strace -f -qq -o ../trace -P $PWD/.B.aicr-staging/bundle/large -P $PWD/.B.aicr-staging/bundle/least \
             -e trace=ioctl -e inject=ioctl:{outcome} aicr bundle dist --output B -q --jobs 1 && \
             diff -r --exclude=checksums.txt dist B && aicr verify B --checksums-only -q"
        );
        if on_xfs(&sandbox, "reflinks", &line).is_some() {
            assert_eq!(attempts(&sandbox).len(), 2, "{outcome}");
        }
    }
}

#[test]
fn sharing_is_not_tried_on_other_file_systems() {
    let sandbox = test_dir();
    let line = format!(
        "mount -t tmpfs none disk && cp -r dist disk && cd disk && {TRACED} && \
         (cd B && sha256sum --check --strict --quiet checksums.txt)"
    );
    sandbox.program_run(["unshare", "-m", "sh", "-c", &line]).stderr(UNSIGNED).succeeds();
    assert_eq!(attempts(&sandbox), [""; 0]);
}

#[test]
fn without_space_for_the_copies_none_is_written() {
    let sandbox = test_dir();
    let line = "mount -t tmpfs -o size=4m none disk && cd disk && { aicr bundle ../dist --output B; code=$?; ls -A; exit $code; }";
    // Two files of 3 MiB and 1 MiB, one of almost 1 MiB, and half a block for each.
    sandbox
        .program_run(["unshare", "-m", "sh", "-c", line])
        .stderr(
            "error: not enough space in .: 5.1 MiB are needed and 4.0 MiB are free\n\
             hint: free some space, or choose --output on another file system\n",
        )
        .exits(1);
}
