//! Copies that share the bytes of their source, on a file system that can do that: what the manifest says is
//! what the copy has.

use std::io::Write as _;

use crate::scene::Scene;

/// An XFS in a file, and the inputs and the output on it. Where the kernel does not let us have it, exit 77.
const ON_XFS: &str = "PATH=$PATH:/usr/sbin:/sbin; truncate -s 320M image && mkfs.xfs -q image && \
                      { mount -o loop image disk || exit 77; } && cp -r dist disk && cd disk";

const TRACED: &str = "strace -f -qq -o ../trace -e trace=ioctl aicr bundle dist --output B -q --jobs 1";

const MIB: usize = 1 << 20;

/// Two files of which copies may be shared, and one that is too small.
fn stage() -> Scene {
    let scene = Scene::new();
    for (name, size) in [("large", 3 * MIB + 5), ("least", MIB), ("small", MIB - 1)] {
        let bytes: Vec<u8> = b"seventeen letters".iter().copied().cycle().take(size).collect();
        scene.file(&format!("dist/{name}"), bytes);
    }
    scene.directory("disk");
    scene
}

/// What the calls for a shared copy came to.
fn attempts(scene: &Scene) -> Vec<String> {
    let calls = scene.read("trace");
    let of_a_copy = calls.lines().filter(|line| line.contains("FICLONE"));
    of_a_copy.map(|line| line.rsplit_once("= ").unwrap().1.split(' ').next().unwrap().to_owned()).collect()
}

#[test]
fn large_files_share_their_bytes_with_their_copies() {
    let scene = stage();
    // What becomes of the source afterwards is nothing to the copy.
    let line = format!(
        "{ON_XFS} && {TRACED} && printf x >>dist/large && : >dist/least && \
         (cd B && sha256sum --check --strict --quiet checksums.txt) && aicr verify B --checksums-only -q; \
         code=$?; ls -A; exit $code"
    );
    let run = scene.program_run(["unshare", "-m", "sh", "-c", &line]).whatever_it_prints();
    let output = run.output();
    if output.status.code() == Some(77) {
        // Only the administrator of the machine may mount what is in a file.
        writeln!(std::io::stderr(), "NOT TESTED: shared copies on XFS: it cannot be mounted here").unwrap();
        return;
    }
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "B\ndist\n");
    assert_eq!(attempts(&scene), ["0", "0"], "one for each large file");
}

#[test]
fn where_they_cannot_it_is_tried_once() {
    let scene = stage();
    let line = format!(
        "mount -t tmpfs none disk && cp -r dist disk && cd disk && {TRACED} && \
         (cd B && sha256sum --check --strict --quiet checksums.txt)"
    );
    scene.program_run(["unshare", "-m", "sh", "-c", &line]).succeeds();
    assert_eq!(attempts(&scene), ["-1"]);
}

#[test]
fn what_is_hashed_is_the_copy() {
    let scene = stage();
    // Told that the bytes were shared when they were not, it finds none in the copy.
    let line = format!(
        "strace -f -qq -o trace -P {} -e trace=ioctl -e inject=ioctl:retval=0 aicr bundle dist --output B",
        scene.path(".B.aicr-staging/bundle/large").display()
    );
    scene
        .program_run(line.split(' '))
        .stderr(
            "error: dist/large changed while it was read\n\
             hint: run it again when nothing writes to the inputs\n",
        )
        .exits(1);
    assert_eq!(attempts(&scene), ["0"]);
    assert!(!scene.path("B").exists() && !scene.path(".B.aicr-staging").exists());
}
