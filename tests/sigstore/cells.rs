//! Every signer with every kind of recording, by flags and by a signing config, with each release:
//! what `aicr bundle` prints and which services it contacts. The command that it prints verifies
//! the bundle after all services have ended, with that release and with every other one that
//! supports it. Printed as a table.

mod row;

use std::collections::BTreeMap;
use std::time::Instant;

use sha2::{Digest as _, Sha256};

use self::row::{Outcome, RECORDINGS, Row, Signer, Source};
use crate::loopback::{cosign, reached};
use crate::parallel::each;
use crate::sandbox::{KEY_SHA256, Sandbox};
use crate::site::{ALL, RUNNER_TOKEN, RUNNER_URL, Site};
use crate::table::Table;

/// The releases. The first does not support Sigstore bundles.
const RELEASES: [&str; 5] = ["v2.2.4", "v2.4.1", "v2.6.1", "v3.0.2", "v3.1.3"];

/// One bundle: a row, with one release.
struct Cell<'a> {
    row: &'a Row,
    release: &'static str,
}

/// The result.
enum Signed {
    Refused {
        exit: i32,
        words: String,
    },
    /// The command that was printed.
    ToVerify(String),
}

impl Cell<'_> {
    fn bundle(&self) -> String {
        format!("out/{}/{}", self.row.name(), self.release)
    }

    /// Signs it, or is refused, with the expected output.
    fn sign(&self, sandbox: &Sandbox, rsa: &str) -> Signed {
        let (row, bundle) = (self.row, self.bundle());
        // Each has its own content: an RSA key repeats its signature, and a log accepts it only
        // once.
        let input = bundle.replacen("out/", "in/", 1);
        sandbox.file(&format!("{input}/a"), &bundle).directory(&format!("out/{}", row.name()));
        let manifest = format!("{}  a\n", sha256(&bundle));
        let run = sandbox
            .aicr(&format!("bundle {input} --output {bundle} {}", row.flags(&bundle)))
            .env("AICR_COSIGN", &path(sandbox, self.release));
        let run = match row.signer {
            Signer::Workflow => run
                .env("ACTIONS_ID_TOKEN_REQUEST_URL", RUNNER_URL)
                .env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", RUNNER_TOKEN)
                .env("SSL_CERT_FILE", "site/ca.pem"),
            Signer::P256 | Signer::Rsa | Signer::Person => run,
        };
        match row.outcome(self.release) {
            Outcome::Refused { exit, words } => {
                // A usage error does not depend on the release.
                if exit == 3 || self.release == RELEASES[0] {
                    assert_eq!(reached(sandbox, run.stderr(&words), exit), [""; 0], "{bundle}");
                    assert!(!sandbox.path(&bundle).exists(), "{bundle}");
                }
                Signed::Refused { exit, words }
            }
            Outcome::Signed => {
                let key = if row.signer == Signer::Rsa { rsa } else { KEY_SHA256 };
                let command = row.command(&bundle, &format!("{{root}}/bin/{}", self.release));
                let run = run.stderr(&row.notice()).stdout(&format!(
                    "signed {bundle}
  manifest sha256
    {}
  1 file, {} bytes
  {}
  {}
verify it with:
  {command}\n",
                    sha256(&manifest),
                    bundle.len(),
                    row.signer.shown(key),
                    row.reported()
                ));
                let addresses: Vec<_> = row.reaches().into_iter().map(|(_, address)| address).collect();
                assert_eq!(reached(sandbox, run, 0), addresses, "{bundle}");
                Signed::ToVerify(command.replace("{root}/", sandbox.path("").to_str().unwrap()))
            }
        }
    }
}

fn sha256(text: &str) -> String {
    let digest = Sha256::digest(text);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The path of the cosign of this release in the test directory.
fn path(sandbox: &Sandbox, release: &str) -> String {
    sandbox.path(format!("bin/{release}")).into_os_string().into_string().unwrap()
}

/// A test directory with every signer, and each release as `bin/RELEASE`.
fn prepared() -> Site {
    let site = Site::new();
    site.token("token", "person", "");
    for release in RELEASES {
        site.link(&format!("bin/{release}"), cosign(release));
    }
    site.shell(
        "openssl genpkey -quiet -algorithm RSA -out rsa.pem && cosign import-key-pair --key rsa.pem --output-key-prefix rsa",
    )
    .whatever_it_prints()
    .succeeds();
    site
}

#[test]
fn every_signer_with_every_recording_and_release() {
    let site = prepared();
    let rsa = site.key_sha256("rsa.pub");
    let sandbox: &Sandbox = &site;
    let rows: Vec<Row> = [
        (Signer::P256, Source::ByFlags),
        (Signer::P256, Source::ByConfig),
        (Signer::Rsa, Source::ByFlags),
        (Signer::Person, Source::ByFlags),
        (Signer::Person, Source::ByConfig),
        (Signer::Workflow, Source::ByConfig),
    ]
    .into_iter()
    .flat_map(|(signer, source)| RECORDINGS.map(|recording| Row { signer, source, recording }))
    .collect();
    let cells: Vec<Cell<'_>> =
        rows.iter().flat_map(|row| RELEASES.map(|release| Cell { row, release })).collect();
    let started = Instant::now();
    let signed = each(&cells, |cell| cell.sign(sandbox, &rsa));
    let signing = started.elapsed().as_secs_f64();

    site.stop(&ALL);
    let started = Instant::now();
    // With the command that was printed, and the release that signed.
    each(&cells.iter().zip(&signed).collect::<Vec<_>>(), |(cell, signed)| {
        let Signed::ToVerify(command) = signed else { return };
        let run = sandbox.shell(command).whatever_it_prints();
        assert_eq!(reached(sandbox, run, 0), [""; 0], "{}", cell.bundle());
    });
    // With every release, all bundles with the same flags at once.
    let mut alike: BTreeMap<_, (&Row, Vec<String>)> = BTreeMap::new();
    for (cell, signed) in cells.iter().zip(&signed) {
        if matches!(signed, Signed::ToVerify(_)) {
            let (_, bundles) = alike.entry(cell.row.kind()).or_insert((cell.row, Vec::new()));
            bundles.push(cell.bundle());
        }
    }
    let able: BTreeMap<_, Vec<&str>> = alike
        .keys()
        .copied()
        .zip(each(&alike.values().collect::<Vec<_>>(), |(row, bundles)| verifiers(sandbox, row, bundles)))
        .collect();
    println!("{}", table(&rows, &signed, &able));
    println!(
        "{} cells: signed or refused in {signing:.0} s, verified in {:.0} s",
        cells.len(),
        started.elapsed().as_secs_f64()
    );
}

/// The releases that verify these bundles, which have the kind of `row`. The others refuse with the
/// expected message.
fn verifiers(sandbox: &Sandbox, row: &Row, bundles: &[String]) -> Vec<&'static str> {
    let words = format!("verify {} {}", bundles.join(" "), row.trust(&bundles[0]));
    let is_able = |release: &&str| {
        let run = sandbox.aicr(&words).env("AICR_COSIGN", &path(sandbox, release));
        match row.verdict(release) {
            Outcome::Refused { exit, words } => {
                let mut failed: String = bundles.iter().map(|bundle| format!("failed {bundle}\n")).collect();
                if bundles.len() > 1 {
                    failed += &format!("{} bundles: {0} failed\n", bundles.len());
                }
                run.stdout(&failed).stderr(&words.repeat(bundles.len())).exits(exit);
                false
            }
            Outcome::Signed => {
                run.whatever_it_prints().succeeds();
                true
            }
        }
    };
    RELEASES.into_iter().filter(is_able).collect()
}

/// The table for people, with the messages of refusals below it.
fn table(rows: &[Row], signed: &[Signed], verifiers: &BTreeMap<(Signer, &str), Vec<&str>>) -> Table {
    let head = ["signer", "recorded with", "given by"].into_iter().chain(RELEASES);
    let mut table = Table::new(head.chain(["connects to", "verified by"]));
    for (row, signed) in rows.iter().zip(signed.chunks(RELEASES.len())) {
        let mut line = [row.signer.name(), row.recording.name, row.source.name()].map(str::to_owned).to_vec();
        for (signed, release) in signed.iter().zip(RELEASES) {
            line.push(match signed {
                Signed::ToVerify(_) => "signed".to_owned(),
                Signed::Refused { exit, words } => {
                    let cosign = format!("{{root}}/bin/{release} ({release})");
                    let words =
                        words.replace(&cosign, "COSIGN").replace(&row.config(), "--signing-config FILE");
                    format!("exit {exit} {}", table.note(&words))
                }
            });
        }
        let is_signed = signed.iter().any(|signed| matches!(signed, Signed::ToVerify(_)));
        let reached: Vec<_> = row.reaches().into_iter().map(|(name, _)| name).collect();
        let able = verifiers.get(&row.kind()).map(|able| able.join(" ")).unwrap_or_default();
        line.extend([reached.join(", "), able].map(|cell| if is_signed { cell } else { String::new() }));
        table.line(line);
    }
    table
}
