//! Ordinary places that are unlike a directory in `/home`: media without modes and times, overlayfs, file
//! systems without figures, set-group-ID directories, names above that are not UTF-8, leftovers.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use crate::sandbox::{SMALL_MANIFEST, SMALL_SHA256, Sandbox, UNSIGNED};

const SIGN: &str = "--signing-key cosign.key --tlog-upload=false";
const TRUST: &str = "--key cosign.pub --insecure-ignore-tlog";

/// What is printed about an unsigned bundle of the small payload.
fn built(bundle: &str) -> String {
    format!(
        "built {bundle}
  manifest sha256
    {SMALL_SHA256}
  2 files, 11 bytes
sign it with:
  aicr bundle-sign {bundle} --signing-key REF --tlog-upload=false
UNSIGNED: nothing proves who made it until it is signed
"
    )
}

#[test]
fn a_medium_without_modes_or_times_is_written_with_one_warning() {
    let modes = "fchmod,fchmodat,?chmod";
    for (calls, error) in
        [(modes, "EPERM"), (modes, "EOPNOTSUPP"), ("utimensat", "EINVAL"), ("utimensat", "EPERM")]
    {
        let sandbox = Sandbox::new();
        sandbox.unsigned().directory("i").file("i/a", "alpha\n");
        // The umask has to be corrected, or there would be no call for the modes.
        let with = |words: &str| {
            let line = format!(
                "umask 077 && exec strace -f -qq -o /dev/null -e trace={calls} -e inject={calls}:error={error} aicr {words}"
            );
            sandbox.shell(&line)
        };
        with("bundle dist --output C")
            .stdout(&built("C"))
            .stderr("warning: C: this file system does not keep modes or modification times\n")
            .succeeds();
        assert_eq!(sandbox.read("C/checksums.txt"), SMALL_MANIFEST);
        with(&format!("bundle-sign B --quiet {SIGN}")).succeeds();
        with(&format!("bundle i --in-place --quiet {SIGN}")).succeeds();
        for bundle in ["B", "i"] {
            sandbox.aicr(&format!("verify {bundle} --quiet {TRUST}")).succeeds();
        }
    }
    // Any other error is one.
    let sandbox = Sandbox::new();
    sandbox.small_dist();
    sandbox
        .program_run("strace -f -qq -o /dev/null -e trace=utimensat -e inject=utimensat:error=EIO aicr bundle dist --output C --jobs 1".split(' '))
        .stderr("error: cannot write {root}/.C.aicr-staging/bundle/a: input/output error\n")
        .exits(1);
}

#[test]
fn modes_do_not_depend_on_the_umask() {
    for umask in ["000", "022", "077", "0777"] {
        let sandbox = Sandbox::new();
        sandbox.small_dist().chmod("dist/a", 0o755);
        sandbox.shell(&format!("umask {umask}; exec aicr bundle dist --output B --quiet {SIGN}")).succeeds();
        for (name, expected) in [
            ("B", 0o755),
            ("B/a", 0o755),
            ("B/sub", 0o755),
            ("B/sub/b", 0o644),
            ("B/checksums.txt", 0o644),
            ("B/attestation", 0o755),
            ("B/attestation/checksums.txt.sigstore.json", 0o644),
        ] {
            let mode = sandbox.path(name).metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o7777, expected, "{umask} {name}");
        }
    }
}

#[test]
fn a_bundle_has_the_group_of_a_set_gid_directory() {
    let sandbox = Sandbox::new();
    sandbox.small_dist().directory("shared");
    // Only root can give a directory to a group of which it is no member.
    if std::os::unix::fs::chown(sandbox.path("shared"), None, Some(12345)).is_err() {
        return;
    }
    sandbox.chmod("shared", 0o2775);
    sandbox.aicr(&format!("bundle dist --output shared/B --quiet {SIGN}")).succeeds();
    for name in sandbox.tree("shared") {
        let metadata = sandbox.path("shared").join(&name).metadata().unwrap();
        assert_eq!((metadata.gid(), metadata.mode() & 0o7000), (12345, 0), "{name}");
    }
}

/// A bundle in an image of a container is replaced in a container.
#[test]
fn force_replaces_a_bundle_of_a_lower_layer() {
    let sandbox = Sandbox::new();
    sandbox
        .small_dist()
        .file("older/x/y/z", "")
        .file("older/w", "")
        .directory("lower")
        .directory("out")
        .directory("rw");
    sandbox.aicr(&format!("bundle older --output lower/B --quiet {SIGN}")).succeeds();
    let line = format!(
        "mount -t tmpfs none rw && mkdir rw/upper rw/work &&
         mount -t overlay none -o lowerdir=lower,upperdir=rw/upper,workdir=rw/work out &&
         aicr bundle dist --output out/B --force --quiet {SIGN} && aicr verify out/B --quiet {TRUST} && ls -A out"
    );
    sandbox.program_run(["unshare", "-m", "sh", "-c", &line]).stdout("B\n").succeeds();
}

#[test]
fn a_directory_above_may_have_a_name_that_is_not_utf8() {
    let sandbox = Sandbox::new();
    sandbox.small_dist();
    let above = sandbox.path(OsStr::from_bytes(b"b\xffd"));
    std::fs::create_dir(&above).unwrap();
    for name in ["dist", "cosign.key"] {
        std::fs::rename(sandbox.path(name), above.join(name)).unwrap();
    }
    let run = |words: &str| {
        let line = format!("cd \"$(printf 'b\\377d')\" && exec aicr {words} --quiet");
        sandbox.shell(&line)
    };
    run(&format!("bundle dist --output B {SIGN} --public-key-out cosign.pub")).succeeds();
    run(&format!("verify B {TRUST}")).succeeds();
    run(&format!("bundle dist --output B --force {SIGN}")).succeeds();
    run(&format!("bundle dist --in-place {SIGN}")).succeeds();
    run(&format!("bundle-sign dist --force {}", SIGN.replace("cosign.key", "../other.key"))).succeeds();
    let mut names: Vec<_> =
        std::fs::read_dir(&above).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort_unstable();
    assert_eq!(names, ["B", "cosign.key", "cosign.pub", "dist"]);
    // The bundle itself has that name.
    for name in ["B", "cosign.key", "cosign.pub", "dist"] {
        std::fs::rename(above.join(name), sandbox.path("home").join(name)).unwrap();
    }
    std::fs::write(above.join("f"), "").unwrap();
    run(&format!("bundle . --in-place {}", SIGN.replace("cosign.key", "../other.key"))).succeeds();
    assert!(!sandbox.tree("").iter().any(|name| name.contains("aicr-staging")));
}

#[test]
fn an_empty_output_in_a_directory_that_is_not_writable_is_refused_with_a_place_inside_it() {
    let sandbox = Sandbox::new();
    sandbox.small_dist().directory("perm/new").chmod("perm", 0o555);
    // Root without capabilities has only the permissions of an owner.
    let run = |words: &str| {
        let line =
            format!("setpriv --inh-caps=-all --bounding-set=-all aicr bundle dist --quiet --output {words}");
        sandbox.program_run(line.split(' '))
    };
    for more in ["", " --dry-run"] {
        run(&format!("perm/new{more}"))
            .stderr(
                "error: --output perm/new cannot be replaced by a bundle: cannot write in perm: permission denied
hint: choose a new directory inside it: `--output perm/new/new`
",
            )
            .exits(2);
    }
    run("perm/new/new").stderr(UNSIGNED).succeeds();
}

#[test]
fn a_staging_directory_below_an_input_is_no_payload() {
    let sandbox = Sandbox::new();
    sandbox.small_dist();
    for name in ["dist/.rel.aicr-staging/bundle/a", "dist/sub/.x.aicr-staging/y", "dist/.hidden"] {
        sandbox.file(name, "half");
    }
    // A file of that name is.
    sandbox.file("dist/.f.aicr-staging", "");
    let names = |bundle: &str| -> Vec<String> {
        let manifest = sandbox.read(&format!("{bundle}/checksums.txt"));
        manifest.lines().map(|line| line[66..].to_owned()).collect()
    };
    let expected = [".f.aicr-staging", ".hidden", "a", "sub/b"];
    let warns = |words: &str, expected: &str| {
        let output = sandbox.aicr(words).whatever_it_prints().succeeds();
        assert_eq!(String::from_utf8(output.stderr).unwrap(), expected);
    };
    warns(
        "bundle dist --output B",
        "warning: staging directories of aicr runs are left out: dist/.rel.aicr-staging and 1 more\n",
    );
    assert_eq!(names("B"), expected);
    warns(
        "bundle dist --in-place",
        "warning: staging directories of aicr runs are left out, and `verify` rejects the bundle while they exist: dist/.rel.aicr-staging and 1 more\n",
    );
    assert_eq!(names("dist"), expected);
    sandbox.aicr("verify dist --checksums-only --quiet").whatever_it_prints().exits(5);
    for name in ["dist/.rel.aicr-staging", "dist/sub/.x.aicr-staging"] {
        std::fs::remove_dir_all(sandbox.path(name)).unwrap();
    }
    sandbox.aicr("verify dist --checksums-only --quiet").succeeds();
}

/// A second machine on one share does not see the lock of the first.
#[test]
fn the_staging_directory_of_another_machine_is_left_alone() {
    let sandbox = Sandbox::new();
    sandbox
        .small_dist()
        .file(".B.aicr-staging/staging-directory-of-aicr", "another")
        .directory(".B.aicr-staging/bundle");
    sandbox
        .aicr("bundle dist --output B")
        .stderr(
            "error: {root}/.B.aicr-staging was left by an aicr run on another machine or before a restart, and that run may still be active
hint: if it has ended, remove the directory: `rm -r {root}/.B.aicr-staging`; after 24 hours without a change, aicr removes it
",
        )
        .exits(2);
    sandbox.shell("touch -d '25 hours ago' .B.aicr-staging/* .B.aicr-staging").succeeds();
    sandbox.aicr("bundle dist --output B --quiet").stderr(UNSIGNED).succeeds();
    assert!(!sandbox.path(".B.aicr-staging").exists());
}
