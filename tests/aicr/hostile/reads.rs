//! A4, A14, A15, A23: which files `verify` opens, how often, and which programs it runs. It opens nothing
//! outside the bundle but the files on its command line, it opens the manifest and the signature once, and it
//! runs no program from the bundle.

use std::fs;

use rustix::fs::FileType;

use super::{ALL, SIGNATURE, VERIFY, attacked, finds, report, test_dir};
use crate::sandbox::Sandbox;

/// The paths of all files that the run has opened, and cosign in it. With `O_PATH`, a file is only looked at.
fn opened(sandbox: &Sandbox, words: &str) -> Vec<String> {
    let trace =
        "strace --follow-forks --decode-fds=path --trace=open,openat,openat2,creat --output=trace aicr";
    sandbox.program_run(trace.split(' ').chain(words.split(' '))).whatever_it_prints().output();
    let path =
        |line: &str| Some(line.rsplit_once(" = ")?.1.split_once('<')?.1.trim_end_matches('>').to_owned());
    let trace = sandbox.read("trace");
    trace.lines().filter(|line| !line.contains("O_PATH")).filter_map(path).collect()
}

#[test]
fn nothing_outside_the_bundle_is_opened() {
    let sandbox = test_dir();
    sandbox.file("outside/b", "beta\n").file("outside/secret", "");
    attacked(&sandbox, |s| {
        fs::remove_dir_all(s.path("B/sub")).unwrap();
        s.link("B/sub", "../outside").link("B/secret", "../outside/secret").link("B/var", "/var");
        s.link("B/attestation/up", s.path("outside")).link("B/self", "../B");
        s.file("B/cosign.pub", s.read("cosign.pub"))
    });
    let root = sandbox.path("");
    let opened = opened(&sandbox, VERIFY);
    let below = |place: &str| format!("{}{place}", root.display());
    let allowed = [
        below("B"),
        below("tmp"),
        below("cosign.pub"),
        sandbox.cosign().canonicalize().unwrap().display().to_string(),
    ];
    // The files of the kernel, of every program that starts, and of libraries.
    let system = ["/proc/", "/sys/", "/dev/null", "/etc/", "/lib", "/usr/"];
    for path in &opened {
        let is_allowed = allowed.iter().any(|allowed| path.starts_with(allowed.as_str()));
        assert!(is_allowed || system.iter().any(|place| path.starts_with(place)), "{path}");
    }
    // The payload was read, and the files that only look like payload were not.
    let times = |place: &str| opened.iter().filter(|path| **path == below(place)).count();
    assert_eq!([times("B/a"), times("B/checksums.txt"), times(SIGNATURE)], [1, 1, 1]);
    assert_eq!([times("B/sub"), times("/var"), times("outside/b")], [0, 0, 0]);
    finds(
        &sandbox,
        6,
        &[
            "not-regular  attestation/up",
            "unlisted     cosign.pub",
            "not-regular  secret",
            "not-regular  self",
            "not-regular  sub",
            "missing      sub/b",
            "not-regular  var",
        ],
        "",
    );
}

/// Opening a device can have an effect already. A FIFO stands for it here, because only root can create one.
#[test]
fn what_is_not_a_file_is_not_opened() {
    let sandbox = test_dir();
    for place in ["B/checksums.txt", SIGNATURE] {
        attacked(&sandbox, |s| s.remove(place).special(place, FileType::Fifo));
        let opened = opened(&sandbox, VERIFY);
        let times = |place: &str| {
            let path = sandbox.path(place).display().to_string();
            opened.iter().filter(|opened| **opened == path).count()
        };
        assert_eq!((times("B") > 0, times(place)), (true, 0), "{place}: {opened:?}");
    }
}

/// A14: cosign has a private copy of the manifest. If somebody changes the manifest meanwhile, the files are
/// still compared with the bytes that cosign has checked.
#[test]
fn a_manifest_that_is_replaced_while_cosign_runs() {
    let sandbox = test_dir();
    let bundle = sandbox.path("B").display().to_string();
    sandbox.fake_cosign(&format!("echo forged >'{bundle}/checksums.txt'; exec \"$REAL\" \"$@\""));
    sandbox.aicr(VERIFY).stdout(&format!("accepted B\n{}", report(ALL))).succeeds();
    assert_eq!(sandbox.read("B/checksums.txt"), "forged\n");
}

/// A23: the bundle is the working directory, and the PATH names it.
#[test]
fn no_program_of_the_bundle_is_run() {
    let sandbox = Sandbox::new();
    sandbox.small_dist();
    sandbox.program("dist/cosign", &format!("touch '{}'; exit 0", sandbox.path("started").display()));
    sandbox.aicr("bundle dist --output B --signing-key cosign.key --tlog-upload=false --quiet").succeeds();
    let path = format!("{0}B::.:..:{0}bin:/usr/bin:/bin", sandbox.path("").display());
    let verify = "verify . --key ../cosign.pub --insecure-ignore-tlog --quiet";
    sandbox.aicr(verify).within("B").env("PATH", &path).succeeds();
    sandbox
        .aicr(verify)
        .within("B")
        .env("PATH", &path.replace("bin:/usr/bin:/bin", "B"))
        .stderr(
            "error: there is no cosign on the PATH (relative elements, bundles and inputs are ignored)
hint: install cosign 2.0 or later, or name one with --cosign
",
        )
        .exits(3);
    assert!(!sandbox.path("started").exists());
}
