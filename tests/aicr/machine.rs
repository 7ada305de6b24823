//! What is around cosign on this machine: the directory for temporary files, the binary itself, its
//! stdin, its process group, and what it may say of addresses.

use rustix::process::{Pid, Signal, kill_process};

use crate::fake::{Fake, HONEST, Meeting, SIGNATURE, ends, fake_sandbox};
use crate::sandbox::Sandbox;

const SIGN: &str = "--signing-key cosign.key --tlog-upload=false";
const VERIFY: &str = "verify B --key cosign.pub --insecure-ignore-tlog";

#[test]
fn a_tmpdir_in_which_others_can_replace_files_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.signed().fake_cosign("echo >>\"$0.ran\"; exec \"$REAL\" \"$@\"");
    for directory in ["own", "sticky", "shared", "parent/child", "links"] {
        sandbox.directory(directory);
    }
    sandbox.chmod("sticky", 0o1777).chmod("shared", 0o777).chmod("parent", 0o777);
    sandbox.link("links/to-own", "../own").link("links/to-shared", "../shared");
    sandbox.link("links/through", "../parent/../own");
    let at = |directory: &str| sandbox.path(directory).display().to_string();
    for directory in ["own", "sticky", "links/to-own", "links/../own"] {
        sandbox.aicr(&format!("{VERIFY} --quiet")).env("TMPDIR", &at(directory)).succeeds();
        sandbox
            .aicr(&format!("bundle dist --output C --force --quiet {SIGN}"))
            .env("TMPDIR", &at(directory))
            .succeeds();
    }
    sandbox.remove("bin/cosign.ran");
    for (directory, culprit) in [
        ("shared", "shared"),
        ("parent/child", "parent"),
        ("links/to-shared", "shared"),
        ("links/through", "parent"),
        ("shared/../own", "shared"),
    ] {
        for words in
            [VERIFY, &format!("bundle dist --output D {SIGN}"), &format!("bundle-sign B {SIGN}"), "doctor"]
        {
            sandbox
                .aicr(words)
                .env("TMPDIR", &at(directory))
                .stderr(&format!(
                    "error: temporary files cannot be kept in {{root}}/{directory}: every user can write to {{root}}/{culprit}
hint: use a directory of your own: export TMPDIR=\"$(mktemp -d ~/tmp.XXXXXX)\"
"
                ))
                .exits(2);
        }
    }
    assert!(!sandbox.path("bin/cosign.ran").exists());
    assert_eq!(sandbox.tree("shared"), [""; 0]);
}

/// The file that was hashed is run, whatever is at its path by then.
#[test]
fn a_pinned_binary_is_run_through_its_descriptor() {
    let sandbox = Sandbox::new();
    sandbox.signed();
    let cosign = sandbox.cosign().display().to_string();
    let sum = sandbox.program_run(["sha256sum", &cosign]).whatever_it_prints().succeeds().stdout;
    let sha256 = String::from_utf8(sum[..64].to_vec()).unwrap();
    for (pin, by_path, by_descriptor) in
        [(String::new(), true, false), (format!("--cosign-sha256 {sha256}"), false, true)]
    {
        let line = format!("strace -f -qq -o trace -e trace=execve,openat aicr {VERIFY} --quiet {pin}");
        sandbox.program_run(line.split_whitespace()).succeeds();
        let trace = sandbox.read("trace");
        let count = |call: &str| trace.lines().filter(|line| line.contains(call)).count();
        let path = sandbox.path("bin/cosign").display().to_string();
        assert_eq!(count(&format!("execve(\"{path}\"")) > 0, by_path, "{trace}");
        assert_eq!(count("execve(\"/proc/self/fd/") > 0, by_descriptor, "{trace}");
        assert_eq!(count(&format!("openat(AT_FDCWD, \"{path}\"")), usize::from(by_descriptor), "{trace}");
    }
}

/// The answer of a binary that is replaced while it runs is not used.
#[test]
fn a_pinned_binary_that_is_replaced_during_a_run() {
    let sandbox = Sandbox::new();
    sandbox.small_dist().shell("cp --remove-destination \"$(readlink -f bin/cosign)\" bin/cosign").succeeds();
    let sum = sandbox.program_run(["sha256sum", "bin/cosign"]).whatever_it_prints().succeeds().stdout;
    let sha256 = String::from_utf8(sum[..64].to_vec()).unwrap();
    let sign = format!("bundle dist --signing-key helper://k --tlog-upload=false --cosign-sha256 {sha256}");
    for (helper, code) in [("exit 1", 4), ("/bin/mv \"${0%/*}/other\" \"${0%/*}/cosign\"; exit 1", 3)] {
        sandbox.program("bin/other", "exit 0").program("bin/sigstore-kms-helper", helper);
        let run = sandbox.aicr(&format!("{sign} --output C"));
        let run = if code == 3 {
            run.stderr("error: {root}/bin/cosign was replaced while aicr was running\n")
        } else {
            run.whatever_it_prints()
        };
        run.exits(code);
        assert!(!sandbox.path("C").exists());
    }
}

/// Permission to execute is enough, except for `--cosign-sha256`.
#[test]
fn a_binary_that_cannot_be_read() {
    let sandbox = Sandbox::new();
    sandbox.signed().shell("cp --remove-destination \"$(readlink -f bin/cosign)\" bin/cosign").succeeds();
    let path = sandbox.path("bin/cosign").display().to_string();
    let run = |words: &str| {
        let line = format!(
            "strace -f -qq -o /dev/null -P {path} -e trace=openat -e inject=openat:error=EACCES aicr {words}"
        );
        sandbox.program_run(line.split_whitespace())
    };
    run(&format!("{VERIFY} --quiet")).succeeds();
    run(&format!("bundle dist --output C --quiet {SIGN}")).succeeds();
    run(&format!("{VERIFY} --cosign-sha256 {}", "0".repeat(64)))
        .stderr(
            "error: {root}/bin/cosign cannot be read: permission denied
hint: --cosign-sha256 reads the binary: make it readable, or leave out that flag
",
        )
        .exits(3);
}

#[test]
fn cosign_ends_when_aicr_is_killed() {
    let blocked = Meeting::BLOCKED;
    for (fake, words) in [
        (Fake { public_key: blocked, ..HONEST }, format!("bundle dist --output C {SIGN}")),
        (Fake { sign: blocked, ..HONEST }, format!("bundle-sign B --force {SIGN}")),
        (Fake { verify: blocked, ..HONEST }, format!("bundle dist --in-place {SIGN}")),
        (Fake { verify: blocked, ..HONEST }, VERIFY.to_owned()),
    ] {
        let sandbox = fake_sandbox(fake);
        sandbox.file(SIGNATURE, sandbox.read("good"));
        // A bundle that this key has signed is not signed again.
        if words.contains("--force") {
            sandbox.file("good", sandbox.read("good").replace("AAAA", "BBBB")).remove(SIGNATURE);
        }
        let mut meeting = Meeting::new(&sandbox);
        let mut aicr = sandbox.aicr(&words).start();
        let cosign = meeting.wait();
        kill_process(Pid::from_child(&aicr), Signal::KILL).unwrap();
        aicr.wait().unwrap();
        ends(&cosign);
    }
}

/// After the leader is reaped, another process may have its ID.
#[test]
fn a_group_is_killed_before_its_leader_is_reaped() {
    let sandbox = Sandbox::new();
    sandbox.signed();
    let line =
        format!("strace -f -qq -o trace -e trace=kill,wait4,waitid -e signal=none aicr {VERIFY} --quiet");
    sandbox.program_run(line.split_whitespace()).succeeds();
    let trace = sandbox.read("trace");
    let position = |call: &str| trace.lines().position(|line| line.contains(call));
    let groups: Vec<&str> = trace
        .lines()
        .filter_map(|line| line.split_once("kill(-")?.1.split_once(", SIGKILL")?.0.into())
        .collect();
    // At least two questions, and a signature.
    assert!(groups.len() > 2, "{trace}");
    for group in groups {
        let (killed, reaped) = (position(&format!("kill(-{group},")), position(&format!(" wait4({group},")));
        assert!(killed.unwrap() < reaped.unwrap(), "{trace}");
        // A call that another thread interrupts has its end on a line of its own.
        for line in trace.lines().filter(|line| line.contains("WEXITED")) {
            assert!(line.contains("WNOWAIT"), "{line}");
        }
    }
}

#[test]
fn a_machine_without_a_null_device() {
    for null in ["true", "echo text >dev/null"] {
        let sandbox = Sandbox::new();
        sandbox.small_dist().directory("dev");
        let line = format!(
            "{null} && mount --bind dev /dev && aicr bundle dist --output B --quiet {SIGN} && aicr {VERIFY} --quiet"
        );
        sandbox.program_run(["unshare", "-m", "sh", "-c", &line]).succeeds();
    }
}

/// The password of a proxy or a key manager is not printed.
#[test]
fn user_info_of_an_address_is_masked() {
    let sandbox = fake_sandbox(Fake {
        public_key: "echo \"Put $VAULT_ADDR/v1/k: proxyconnect $HTTPS_PROXY: bad hunter2@x\" >&2; exit 1",
        ..HONEST
    });
    let run = sandbox
        .aicr("bundle-sign B --force --verbose --signing-key hashivault://k --tlog-upload=false")
        .env("VAULT_ADDR", "https://me:hunter2vault@vault.example")
        .env("HTTPS_PROXY", "http://me:hunter2%40x@proxy.example:3128");
    let output = run.output();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let said =
        "    Put https://…@vault.example/v1/k: proxyconnect http://…@proxy.example:3128: bad $HTTPS_PROXY\n";
    assert!(stderr.contains(said), "{stderr}");
    assert!(!stderr.contains("hunter2"), "{stderr}");
}

/// The word with which aicr starts itself is not documented, and starts nothing by itself.
#[test]
fn the_word_for_a_child_is_not_a_command() {
    let sandbox = Sandbox::new();
    for words in
        ["--help", "help", "help bundle", "man", "completions bash", "completions zsh", "completions fish"]
    {
        let output = sandbox.aicr(words).output();
        assert!(!String::from_utf8_lossy(&output.stdout).contains("become"), "{words}");
    }
    for words in ["__become", "__become 1", "__become 1 path"] {
        sandbox.aicr(words).stderr("error: `__become` is not an aicr command\nhint: aicr --help\n").exits(2);
    }
    // No program is started if the parent is not the one that is named.
    sandbox.aicr("__become 1 path /bin/touch touched").stderr("\0aicr: not started: 3").exits(127);
    assert!(!sandbox.path("touched").exists());
}
