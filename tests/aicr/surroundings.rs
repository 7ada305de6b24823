//! The environment of a run: PATH, HOME, TMPDIR, umask, closed descriptors and odd names; and which
//! programs get secrets.

use crate::fake::{HONEST, fake_sandbox};
use crate::sandbox::{Act, KEY_SHA256, SMALL_MANIFEST, SMALL_SHA256, Sandbox, UNSIGNED};

const SIGN: &str = "--signing-key cosign.key --tlog-upload=false";

#[test]
fn no_cosign_is_run_from_a_directory_that_others_control() {
    for path in [
        ".:{real}",
        ":{real}",
        "{real}:",
        "{real}::.",
        "evil:./evil:../evil:{real}",
        "{root}/dist/bin:{real}",
        "{root}/dist/../dist/bin:{real}",
        "{root}/alias/bin:{real}",
        "{root}/links:{real}",
        "{root}/C/bin:{real}",
    ] {
        let sandbox = Sandbox::new();
        sandbox.small_dist();
        let evil = format!(": >'{}'; exit 0", sandbox.path("evil-has-run").display());
        for place in ["cosign", "evil/cosign", "dist/bin/cosign", "dist/cosign"] {
            sandbox.program(place, &evil);
        }
        sandbox.link("alias", "dist").link("links/cosign", "../dist/bin/cosign").directory("C");
        let root = sandbox.path("").display().to_string();
        let path = path
            .replace("{root}", root.trim_end_matches('/'))
            .replace("{real}", &format!("{root}bin:/usr/bin:/bin"));
        sandbox.aicr(&format!("bundle dist --output C {SIGN} --quiet")).env("PATH", &path).succeeds();
        // The bundle has a cosign now, too.
        sandbox
            .aicr("verify C --key cosign.pub --insecure-ignore-tlog --quiet")
            .env("PATH", &format!("{root}C/bin:.::{root}bin:/usr/bin:/bin"))
            .succeeds();
        assert!(!sandbox.path("evil-has-run").exists(), "{path}");
    }
}

#[test]
fn a_cosign_from_an_unsafe_directory_is_not_run() {
    let sandbox = Sandbox::new();
    sandbox.small_dist().program("dist/bin/cosign", "exit 0").program("cosign", "exit 0");
    let root = sandbox.path("").display().to_string();
    for path in ["", ".", ":", "dist/bin", &format!("{root}dist/bin"), &format!(".:{root}dist/bin:")] {
        sandbox
            .aicr(&format!("bundle dist --output C {SIGN}"))
            .env("PATH", path)
            .stderr(
                "error: there is no cosign on the PATH (relative elements, bundles and inputs are ignored)
hint: install cosign 2.0 or later, or name one with --cosign
",
            )
            .exits(3);
    }
    sandbox
        .aicr(&format!("bundle dist --output C {SIGN} --cosign dist/bin/cosign"))
        .stderr(
            "error: --cosign dist/bin/cosign lies in dist, and no program from there is run
hint: install cosign outside of bundles and inputs
",
        )
        .exits(3);
    sandbox.aicr(&format!("bundle dist --output C {SIGN} --quiet --cosign bin/cosign")).succeeds();
}

#[test]
fn a_run_does_not_depend_on_its_environment() {
    for line in [
        "unset HOME; aicr",
        "HOME= aicr",
        "HOME=/nonexistent aicr",
        "LANG=tr_TR.UTF-8 LC_ALL=tr_TR.UTF-8 aicr",
        "LANG=de_DE.ISO-8859-1 aicr",
        "umask 0777; aicr",
        "umask 0; aicr",
        "TZ=Pacific/Kiritimati aicr",
        "cd home; cd ..; rmdir home; aicr",
        "exec </dev/zero; aicr",
        "ulimit -c 0; ulimit -n 64; aicr",
    ] {
        let sandbox = Sandbox::new();
        sandbox.small_dist();
        let words = format!("bundle dist --output B {SIGN} --public-key-out k.pub --quiet");
        sandbox
            .shell(&format!("{line} {words} && aicr verify B --key k.pub --insecure-ignore-tlog --quiet"))
            .succeeds();
        assert_eq!(
            sandbox.tree("B"),
            [
                "a",
                "attestation/",
                "attestation/checksums.txt.sigstore.json",
                "checksums.txt",
                "sub/",
                "sub/b"
            ],
            "{line}"
        );
        assert_eq!(sandbox.tree("tmp"), [""; 0], "{line}");
        let home = sandbox.path("home");
        assert!(!home.exists() || sandbox.tree("home").is_empty(), "{line}");
    }
}

#[test]
fn a_wrong_tmpdir_is_an_error() {
    let made: [(Act, &str, &str); 3] = [
        (|sandbox| sandbox, "nowhere", "no such file or directory"),
        (|sandbox| sandbox.file("nowhere", ""), "nowhere", "not a directory"),
        (|sandbox| sandbox.link("nowhere", "nowhere"), "nowhere", "too many levels of symbolic links"),
    ];
    for (make, name, why) in made {
        let sandbox = Sandbox::new();
        make(sandbox.small_dist());
        let directory = sandbox.path(name).display().to_string();
        sandbox
            .aicr(&format!("bundle dist --output B {SIGN}"))
            .env("TMPDIR", &directory)
            .stderr(&format!(
                "error: cannot use {{root}}/{name} for temporary files: {why}
hint: set TMPDIR to a writable directory\n"
            ))
            .exits(1);
        assert!(!sandbox.path("B").exists());
        // A run without cosign needs no temporary files.
        sandbox.aicr("bundle dist --output B --quiet").env("TMPDIR", &directory).stderr(UNSIGNED).succeeds();
    }
    let sandbox = Sandbox::new();
    sandbox.small_dist();
    sandbox.aicr(&format!("bundle dist --output B {SIGN} --quiet")).without("TMPDIR").succeeds();
    sandbox.aicr(&format!("bundle dist --output C {SIGN} --quiet")).env("TMPDIR", "tmp").succeeds();
    assert_eq!(sandbox.tree("tmp"), [""; 0]);
}

#[test]
fn paths_may_contain_any_characters() {
    for name in [
        "with blank",
        "-x",
        "--output",
        "two\nlines",
        "x:",
        "sha256:0",
        "$(touch z)",
        "a=b",
        "\u{fc}ml\u{e4}ut",
    ] {
        let sandbox = Sandbox::new();
        sandbox.file(&format!("in/{name}/a"), "alpha\n");
        let (input, output) = (format!("in/{name}"), format!("--output={name}"));
        let sign = ["--signing-key=cosign.key", "--tlog-upload=false", "--quiet"];
        sandbox.aicr_with(["bundle", &input, &output].into_iter().chain(sign)).succeeds();
        let verify = ["verify", "--quiet", "--insecure-ignore-tlog", "--key=cosign.pub", "--", name];
        sandbox.aicr_with(verify).succeeds();
        assert_eq!(
            sandbox.tree(name),
            ["a", "attestation/", "attestation/checksums.txt.sigstore.json", "checksums.txt"]
        );
        assert!(!sandbox.path("z").exists());
    }
    // Key references are passed to cosign, and have stricter rules.
    let sandbox = Sandbox::new();
    sandbox.small_dist();
    for (name, code) in [("-k", 0), ("with blank.key", 0), ("two\nlines.key", 2)] {
        std::fs::copy(sandbox.path("cosign.key"), sandbox.path(name)).unwrap();
        let (key, output) = (format!("--signing-key={name}"), format!("--output=signed by {name}"));
        let words = ["bundle", "dist", &output, &key, "--tlog-upload=false"];
        sandbox.aicr_with(words).whatever_it_prints().exits(code);
    }
}

/// The arguments and variables of the call of cosign with this command, as a fake cosign has
/// recorded them.
fn recorded(sandbox: &Sandbox, verb: &str) -> (String, Vec<String>) {
    let read = |what: &str| {
        let text = std::fs::read(sandbox.path("seen").join(format!("{verb}.{what}"))).unwrap();
        String::from_utf8(text).unwrap()
    };
    let mut variables: Vec<String> = read("environ").split_terminator('\0').map(ToOwned::to_owned).collect();
    variables.sort();
    (read("cmdline"), variables)
}

#[test]
fn only_the_calls_that_need_a_secret_get_it() {
    let secrets = [
        ("COSIGN_PASSWORD", "hunter2-password"),
        ("AWS_SECRET_ACCESS_KEY", "hunter2-aws"),
        ("VAULT_TOKEN", "hunter2-vault"),
        ("GITHUB_TOKEN", "hunter2-github"),
    ];
    let sandbox = fake_sandbox(HONEST);
    let fake = sandbox.read("bin/cosign").replacen(
        "case $* in",
        "name=$1; case $* in *' --help') name=$1-help ;; esac\ncat /proc/$$/environ >\"$TOP/seen/$name.environ\"\ncat /proc/$$/cmdline >\"$TOP/seen/$name.cmdline\"\ncase $* in",
        1,
    );
    sandbox.directory("seen").file("bin/cosign", fake).chmod("bin/cosign", 0o755);
    let run = secrets.iter().fold(
        sandbox.aicr(&format!("bundle dist --output C {SIGN} --verbose --public-key-out k.pub")),
        |run, (name, value)| run.env(name, value),
    );
    let environment = |password: &str| {
        format!(
            "env -i ALL_PROXY=http://127.0.0.1:1 {password}HOME={{private}}/home HTTPS_PROXY=http://127.0.0.1:1 \
             HTTP_PROXY=http://127.0.0.1:1 LANG=C NO_PROXY='' TMPDIR={{private}}/tmp TUF_ROOT={{private}}/home"
        )
    };
    let (bare, with_password) = (environment(""), environment("COSIGN_PASSWORD=\"$COSIGN_PASSWORD\" "));
    let sign = "{root}/bin/cosign sign-blob --yes=true --key={root}/cosign.key --signing-config={private}/signing-config.json --trusted-root={private}/trusted-root.json --bundle={private}/bundle.json {private}/checksums.txt";
    let verify = "{root}/bin/cosign verify-blob --key={private}/key.pub --insecure-ignore-tlog=true --trusted-root={private}/trusted-root.json --bundle={private}/bundle.json {private}/checksums.txt";
    let commands = format!(
        "+ {bare} {{root}}/bin/cosign version
+ {bare} {{root}}/bin/cosign sign-blob --signing-config=x --help
+ {bare} {} --help
+ {bare} {} --help
+ {bare} {verify}
+ {with_password} {{root}}/bin/cosign public-key --key={{root}}/cosign.key --outfile=
+ {with_password} {sign}
+ {bare} {verify}
",
        sign.replace("{root}/cosign.key", "x"),
        verify.replace("{private}/key.pub", "x")
    );
    run.stdout(&format!(
        "signed C
  manifest sha256
    {SMALL_SHA256}
  2 files, 11 bytes
  key sha256
    {KEY_SHA256}
  log none, timestamp none
verify it with:
  aicr verify C --key k.pub --insecure-ignore-tlog
"
    ))
    .stderr(&commands.replace("{private}", "{root}/tmp/aicr-XXXXXX"))
    .succeeds();

    for verb in ["version", "sign-blob-help", "verify-blob-help", "public-key", "sign-blob", "verify-blob"] {
        let (words, variables) = recorded(&sandbox, verb);
        assert!(!words.contains("hunter2"), "{verb}: {words}");
        let names: Vec<&str> = variables
            .iter()
            .map(|variable| variable.split('=').next().unwrap())
            // The shell of the fake cosign adds these.
            .filter(|name| !["PWD", "OLDPWD", "SHLVL", "_", "PATH"].contains(name))
            .collect();
        let mut expected =
            vec!["ALL_PROXY", "HOME", "HTTPS_PROXY", "HTTP_PROXY", "LANG", "NO_PROXY", "TMPDIR", "TUF_ROOT"];
        let with_key = ["public-key", "sign-blob"].contains(&verb);
        if with_key {
            expected.insert(1, "COSIGN_PASSWORD");
            assert!(variables.contains(&"COSIGN_PASSWORD=hunter2-password".to_owned()));
        }
        assert_eq!(names, expected, "{verb}");
        let secrets = variables.iter().filter(|variable| variable.contains("hunter2")).count();
        assert_eq!(secrets, usize::from(with_key), "{verb}");
    }
    let all = sandbox.program_run(["grep", "-r", "-l", "hunter2", "C", "k.pub", "tmp", "home"]).output();
    assert_eq!(String::from_utf8(all.stdout).unwrap(), "");
}

#[test]
fn a_printed_command_can_be_pasted() {
    let sandbox = Sandbox::new();
    sandbox.unsigned();
    let output = sandbox.aicr(&format!("bundle-sign B {SIGN} --verbose")).whatever_it_prints().succeeds();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let line = stderr.lines().find(|line| line.contains(" public-key ")).unwrap();
    sandbox.shell(line.strip_prefix("+ ").unwrap()).stdout(&sandbox.read("cosign.pub")).succeeds();
}

/// No message is written to a file that gets the descriptor number of a closed stdout or stderr.
#[test]
fn closed_descriptors() {
    for closed in ["<&-", ">&-", "2>&-", "<&- >&-", "<&- 2>&-", ">&- 2>&-", "<&- >&- 2>&-"] {
        let sandbox = Sandbox::new();
        sandbox.small_dist();
        for (words, code) in [
            (format!("bundle dist --output B {SIGN} --public-key-out k.pub --verbose"), 0),
            ("verify B --key other.pub --insecure-ignore-tlog".to_owned(), 5),
            (format!("bundle-sign B {SIGN}"), 0),
            ("bundle dist --in-place".to_owned(), 0),
            ("bundle dist --in-place --format json".to_owned(), 2),
        ] {
            sandbox.shell(&format!("exec {closed}; aicr {words}")).whatever_it_prints().exits(code);
        }
        sandbox.aicr("verify B --key k.pub --insecure-ignore-tlog --quiet").succeeds();
        let read = |names: [&str; 3]| names.map(|name| sandbox.read(name));
        let expected = ["alpha\n", "beta\n", SMALL_MANIFEST];
        assert_eq!(read(["B/a", "B/sub/b", "B/checksums.txt"]), expected, "{closed}");
        assert_eq!(read(["dist/a", "dist/sub/b", "dist/checksums.txt"]), expected, "{closed}");
        assert_eq!(sandbox.read("k.pub"), sandbox.read("cosign.pub"), "{closed}");
    }
}

#[test]
fn a_terminal_of_one_column() {
    let sandbox = Sandbox::new();
    sandbox.small_dist().file("dist/large", vec![7; 4 << 20]);
    let sum = "0b8bbb6a247084080b48a5a5436a0fe518d6c813b836b12a02664e21de320b2f";
    for columns in [1, 2] {
        let line = format!(
            "stty cols {columns} rows 1; aicr bundle dist --output B --color never && aicr verify B --checksums-only --color never"
        );
        sandbox
            .program_run(["script", "-qec", &line, "/dev/null"])
            .env("TERM", "xterm")
            .stdout(
                &format!(
                    "built B
  manifest sha256
    {sum}
  3 files, 4.0 MiB
sign it with:
  aicr bundle-sign B --signing-key REF --tlog-upload=false
UNSIGNED: nothing proves who made it until it is signed
unproven B
  manifest sha256
    {sum}
  3 files, 4.0 MiB
nothing proves who made it: anybody can write a manifest
"
                )
                .replace('\n', "\r\n"),
            )
            .succeeds();
        std::fs::remove_dir_all(sandbox.path("B")).unwrap();
    }
}

#[test]
fn a_working_directory_that_is_gone() {
    let sandbox = Sandbox::new();
    sandbox.signed();
    let top = sandbox.path("").display().to_string();
    let key = format!("--signing-key {top}cosign.key --tlog-upload=false");
    for (words, code, stderr) in [
        (format!("verify {top}B --key {top}cosign.pub --insecure-ignore-tlog -q"), 0, ""),
        (format!("bundle {top}dist --output {top}C {key} -q"), 0, ""),
        (format!("bundle {top}dist --output {top}C --force {key} -q"), 0, ""),
        (format!("bundle-sign {top}C {key} -q"), 0, ""),
        ("verify B --checksums-only".to_owned(), 2, "error: B does not exist\n"),
        (
            format!("bundle {top}dist --output C"),
            1,
            "error: cannot create ./.C.aicr-staging: no such file or directory\n",
        ),
        ("bundle . --in-place".to_owned(), 1, "error: cannot read .: no such file or directory\n"),
        ("doctor -q".to_owned(), 0, ""),
        (format!("bundle {top}dist --in-place -q"), 0, UNSIGNED),
    ] {
        let line = format!("mkdir gone && cd gone && rmdir ../gone && aicr {words}");
        sandbox.shell(&line).stderr(stderr).exits(code);
    }
    assert_eq!(sandbox.tree("tmp"), [""; 0]);
}

#[test]
fn signals_that_were_ignored_at_the_start() {
    let sandbox = Sandbox::new();
    sandbox.small_dist();
    // The parent does not wait for its children, and a closed pipe sends no signal.
    sandbox.shell(&format!("trap '' CHLD PIPE; exec aicr bundle dist --output B {SIGN} --quiet")).succeeds();
    sandbox
        .shell("{ aicr verify B --checksums-only; echo $? >code; } | true; cat code")
        .stdout("1\n")
        .stderr("error: cannot write to stdout: broken pipe\n")
        .succeeds();
}
