//! `doctor`: the cosign that is found, its command line, and what is wrong with the key. Real
//! cosigns, and recorded answers where no real one can be made to answer.

mod trouble;

use std::fmt::Write as _;
use std::path::Path;

use crate::fake::answers;
use crate::sandbox::{KEY_SHA256, Run, Sandbox, cosigns, repository};

const NO_LOG: &str = "--tlog-upload=false";
/// The releases and the flags of each dialect, by the word of `scripts/cosign-dialect`.
const DIALECTS: [(&str, &str, &str); 3] = [
    (
        "SigningConfig",
        "2.6 and later",
        "--signing-config=PRIVATE_DIRECTORY/signing-config.json --trusted-root=PRIVATE_DIRECTORY/trusted-root.json",
    ),
    (
        "BundleFlag",
        "2.4 and 2.5",
        "--tlog-upload=false --new-bundle-format=true --timestamp-server-url= --issue-certificate=false --sk=false",
    ),
    (
        "LegacyBundle",
        "2.0 to 2.3",
        "--tlog-upload=false --timestamp-server-url= --issue-certificate=false --sk=false",
    ),
];

/// What `doctor` prints about a cosign, found in another way: its own version, and the dialect of
/// the script.
struct Expected {
    version: String,
    releases: &'static str,
    flags: &'static str,
}

impl Expected {
    fn about(sandbox: &Sandbox) -> Self {
        let text = |run: Run<'_>| {
            let output = run.whatever_it_prints().succeeds();
            String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
        };
        let version = text(sandbox.program_run(["cosign", "version"]));
        let version = version.lines().find_map(|line| line.strip_prefix("GitVersion:")).unwrap().trim();
        let script = repository().join("scripts/cosign-dialect");
        let dialect = text(sandbox.program_run([script.as_path(), Path::new("cosign")]));
        let (_, releases, flags) =
            DIALECTS.into_iter().find(|(name, ..)| *name == dialect.trim()).expect("a known dialect");
        Self { version: version.to_owned(), releases, flags }
    }

    fn cosign(&self) -> String {
        let Self { version, releases, .. } = self;
        format!("cosign        {{root}}/bin/cosign, {version}, supported (command line of {releases})\n")
    }

    /// The lines about the environment and the command for a key file or a key in a variable.
    fn fenced(&self, key: &str, passed_on: &[&str]) -> String {
        let mut all = vec![
            ("ALL_PROXY", "http://127.0.0.1:1"),
            ("HOME", "PRIVATE_DIRECTORY/home"),
            ("HTTPS_PROXY", "http://127.0.0.1:1"),
            ("HTTP_PROXY", "http://127.0.0.1:1"),
            ("LANG", "C"),
            ("NO_PROXY", ""),
            ("TMPDIR", "PRIVATE_DIRECTORY/tmp"),
            ("TUF_ROOT", "PRIVATE_DIRECTORY/home"),
        ];
        all.extend(passed_on.iter().map(|name| (*name, "passed on")));
        self.seen(key, all)
    }

    fn seen(&self, key: &str, mut variables: Vec<(&str, &str)>) -> String {
        variables.sort_unstable();
        let mut lines = format!("environment   cosign gets only these {} variables\n", variables.len());
        let mut command = "command       env -i".to_owned();
        for (name, value) in variables {
            writeln!(lines, "                {name}: {value}").unwrap();
            match value {
                "passed on" => write!(command, " {name}=\"${name}\""),
                "" => write!(command, " {name}=''"),
                value => write!(command, " {name}={value}"),
            }
            .unwrap();
        }
        format!(
            "{lines}{command} {{root}}/bin/cosign sign-blob --yes=true --key={key} {} --bundle=PRIVATE_DIRECTORY/bundle.json PRIVATE_DIRECTORY/checksums.txt\n",
            self.flags
        )
    }
}

/// A cosign with the recorded help and version of this release, and `public-key` as a line of
/// shell.
fn recorded(release: &str, public_key: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.program(
        "bin/cosign",
        &format!(
            "PATH=/usr/bin:/bin
for BLOB; do :; done
{}
case $1 in
  version) echo 'GitVersion: {release}' ;;
  public-key) {public_key} ;;
esac",
            answers(release)
        ),
    );
    sandbox
}

#[test]
fn matrix_of_cosigns_without_a_key() {
    for cosign in cosigns() {
        let sandbox = Sandbox::with_cosign(&cosign);
        let expected = Expected::about(&sandbox).cosign();
        let stdout = format!("{expected}key           not checked: give --signing-key REF\n");
        sandbox.aicr("doctor").stdout(&stdout).succeeds();
        sandbox.aicr("doctor --quiet").succeeds();
    }
}

#[test]
fn matrix_of_cosigns_with_a_key_file() {
    for cosign in cosigns() {
        let sandbox = Sandbox::with_cosign(&cosign);
        let expected = Expected::about(&sandbox);
        for (reference, argument, passed_on) in [
            ("cosign.key", "{root}/cosign.key", &["COSIGN_PASSWORD"][..]),
            ("env://PEM", "env://PEM", &["COSIGN_PASSWORD", "PEM"]),
        ] {
            sandbox
                .aicr_with(["doctor", NO_LOG, "--signing-key", reference])
                .env("PEM", &sandbox.read("cosign.key"))
                .stdout(&format!(
                    "{}key           {reference} answers
                sha256:
                {KEY_SHA256}
                type: ECDSA P-256
{}",
                    expected.cosign(),
                    expected.fenced(argument, passed_on)
                ))
                .succeeds();
        }
    }
}

#[test]
fn every_recorded_release_has_its_dialect() {
    for (release, dialect) in
        [("v2.0.2", 2), ("v2.2.4", 2), ("v2.4.1", 1), ("v2.6.1", 0), ("v3.0.2", 0), ("v3.1.3", 0)]
    {
        let releases = DIALECTS[dialect].1;
        recorded(release, "exit 1")
            .aicr("doctor")
            .stdout(&format!(
                "cosign        {{root}}/bin/cosign, {release}, supported (command line of {releases})
key           not checked: give --signing-key REF\n"
            ))
            .succeeds();
    }
}

#[test]
fn withheld_variables_are_reported() {
    let sandbox = Sandbox::new();
    let expected = Expected::about(&sandbox);
    sandbox
        .aicr_with(["doctor", NO_LOG, "--signing-key=cosign.key"])
        .env("COSIGN_INSECURE_IGNORE_TLOG", "true")
        .env("SIGSTORE_ROOT_FILE", "root.pem")
        .env("VAULT_TOKEN", "hunter2")
        .stdout(&format!(
            "{}key           cosign.key answers
                sha256:
                {KEY_SHA256}
                type: ECDSA P-256
{}",
            expected.cosign(),
            expected.fenced("{root}/cosign.key", &["COSIGN_PASSWORD"])
        ))
        .stderr("warning: COSIGN_INSECURE_IGNORE_TLOG, SIGSTORE_ROOT_FILE are ignored: use aicr's flags\n")
        .succeeds();
}

#[test]
fn as_json() {
    let sandbox = recorded("v3.1.3", "exit 1");
    sandbox
        .aicr("doctor --format json")
        .stdout(
            "{\"schemaVersion\":1,\"command\":\"doctor\",\"exit\":0,\
\"cosign\":{\"path\":\"{root}/bin/cosign\",\"version\":\"v3.1.3\",\"dialect\":\"signing-config\"},\"bundles\":[],\
\"checks\":[{\"name\":\"cosign\",\"found\":\"{root}/bin/cosign, v3.1.3, supported (command line of 2.6 and later)\",\
\"details\":{},\"error\":null},\
{\"name\":\"key\",\"found\":\"not checked: give --signing-key REF\",\"details\":{},\"error\":null}],\
\"error\":null}\n",
        )
        .succeeds();
    sandbox
        .aicr("doctor --format json")
        .env("PATH", "")
        .stdout(
            "{\"schemaVersion\":1,\"command\":\"doctor\",\"exit\":3,\"cosign\":null,\"bundles\":[],\
\"checks\":[{\"name\":\"cosign\",\"found\":\"not usable\",\"details\":{},\
\"error\":{\"exit\":3,\"message\":\"there is no cosign on the PATH (relative elements, bundles and inputs are ignored)\",\"cosign\":null,\
\"hint\":\"install cosign 2.0 or later, or name one with --cosign\"}},\
{\"name\":\"key\",\"found\":\"not checked: give --signing-key REF\",\"details\":{},\"error\":null}],\
\"error\":null}\n",
        )
        .stderr("error: there is no cosign on the PATH (relative elements, bundles and inputs are ignored)\nhint: install cosign 2.0 or later, or name one with --cosign\n")
        .exits(3);
}
