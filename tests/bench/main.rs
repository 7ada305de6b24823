//! `make bench`: the speed of aicr beside that of the tools it could be replaced by, on the same data,
//! run in turn. Figures are for people to read: nothing here fails because something was slow.
//!
//! `BENCH=quick` takes a tenth of the data; `BENCH=huge` adds a million files and one of 10 GiB.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program for people that has no user but its author: what goes wrong may end it"
)]

mod data;
mod pairs;

use std::path::{Path, PathBuf};

use data::Kind;
use pairs::{Measured, Pair, shell};

/// The program that is measured.
const AICR: &str = env!("CARGO_BIN_EXE_aicr");

/// How much data, and how often.
struct Extent {
    divisor: u64,
    runs: usize,
    kinds: Vec<Kind>,
}

impl Extent {
    fn wanted() -> Self {
        let usual = vec![Kind::ManySmall, Kind::ManyTiny, Kind::FewLarge, Kind::OneHuge];
        match std::env::var("BENCH").as_deref() {
            Ok("quick") => Self { divisor: 10, runs: 3, kinds: usual },
            Ok("huge") => {
                Self { divisor: 1, runs: 3, kinds: [usual, vec![Kind::Million, Kind::TenGiB]].concat() }
            }
            _ => Self { divisor: 1, runs: 5, kinds: usual },
        }
    }
}

fn main() {
    // `cargo test` builds and starts benches too; there is nothing to test here.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let extent = Extent::wanted();
    let room =
        tempfile::Builder::new().prefix("aicr-bench-").tempdir().expect("make a directory for the data");
    let bench = Bench { room: room.path().to_owned(), runs: extent.runs, copies: std::cell::Cell::new(0) };
    println!("{}\n", machine());
    println!("| work | data | beside | aicr, s | that, s | ratio: median (min - max) | aicr's memory, MiB |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    bench.signing();
    for kind in &extent.kinds {
        let made = data::make(*kind, extent.divisor, &bench.room.join(kind.name()));
        bench.verify(*kind, &made);
        if kind.is_built() {
            bench.build(*kind, &made);
        }
    }
}

/// What the figures were taken on, in a line.
fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = read("/proc/sys/kernel/osrelease");
    let load = read("/proc/loadavg");
    format!(
        "{cores} processors,{}, Linux {}, load {} when it began",
        model
            .trim_start_matches([':', '\t', ' '])
            .split_whitespace()
            .fold(String::new(), |all, word| all + " " + word),
        kernel.trim(),
        load.split(' ').next().unwrap_or_default()
    )
}

struct Bench {
    room: PathBuf,
    runs: usize,
    copies: std::cell::Cell<usize>,
}

impl Bench {
    /// A path that no run has written to: what was deleted slows down what is created for a while.
    fn fresh(&self) -> PathBuf {
        self.copies.set(self.copies.get() + 1);
        self.room.join(format!("copy-{}", self.copies.get()))
    }

    fn verify(&self, kind: Kind, tree: &Path) {
        let tree = tree.display();
        let aicr = format!("{AICR} verify {tree} --checksums-only --quiet");
        for (name, other) in [
            ("sha256sum --check --quiet", format!("cd {tree} && sha256sum --check --quiet checksums.txt")),
            (
                "xargs -P2 openssl dgst -sha256",
                format!(
                    "cd {tree} && cut -c67- checksums.txt | tr '\\n' '\\0' | xargs -0 -P2 -n64 openssl dgst -sha256 >/dev/null"
                ),
            ),
        ] {
            let pair = Pair::run(self.runs, &mut || shell(&aicr), &mut || shell(&other));
            row("verify --checksums-only", kind.name(), name, &pair);
        }
    }

    fn build(&self, kind: Kind, tree: &Path) {
        // The data has a manifest of its own, for the verifier; it is left out here.
        let tree = tree.display();
        let run = |line: &dyn Fn(&str) -> String| {
            let copy = self.fresh();
            let measured = shell(&line(&copy.display().to_string()));
            // Few files go at once: four of them are all the room that many a disk has.
            if kind.is_few() {
                let _ = std::fs::remove_dir_all(copy);
            }
            measured
        };
        let aicr =
            |copy: &str| format!("{AICR} bundle {tree} --exclude /checksums.txt --output {copy} --quiet");
        let other = |copy: &str| {
            format!(
                "cp -r {tree} {copy} && cd {copy} && find . -type f -print0 | xargs -0 sha256sum >/dev/null"
            )
        };
        let pair = Pair::run(self.runs, &mut || run(&aicr), &mut || run(&other));
        row("bundle", kind.name(), "cp -r, sha256sum", &pair);
    }

    /// A small bundle, signed and verified, beside the bare runs of cosign that this takes.
    fn signing(&self) {
        let Ok(cosign) = std::env::var("AICR_TEST_COSIGN") else {
            println!("| sign, verify | | AICR_TEST_COSIGN is not set: left out | | | | |");
            return;
        };
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/keys");
        let (key, public) = (fixtures.join("throwaway.key"), fixtures.join("throwaway.pub"));
        let (key, public) = (key.display(), public.display());
        let input = self.room.join("small");
        std::fs::create_dir(&input).expect("make a directory");
        std::fs::write(input.join("file"), "content").expect("write a file");
        let aicr = format!("COSIGN_PASSWORD= {AICR} --cosign {cosign}");
        let input = input.display();
        let sign = || {
            format!(
                "{aicr} bundle {input} --output {} --signing-key {key} --tlog-upload=false --quiet",
                self.fresh().display()
            )
        };
        let signed = self.fresh();
        let signed = signed.display();
        assert!(
            shell(&format!(
                "{aicr} bundle {input} --output {signed} --signing-key {key} --tlog-upload=false --quiet"
            ))
            .succeeded
        );
        let verify = format!("{aicr} verify {signed} --key {public} --insecure-ignore-tlog --quiet");

        let private = self.room.join("private");
        std::fs::create_dir(&private).expect("make a directory");
        for (name, text) in [
            (
                "signing-config.json",
                r#"{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json","rekorTlogConfig":{},"tsaConfig":{}}"#,
            ),
            (
                "trusted-root.json",
                r#"{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1","tlogs":[],"certificateAuthorities":[],"ctlogs":[],"timestampAuthorities":[]}"#,
            ),
        ] {
            std::fs::write(private.join(name), text).expect("write a file");
        }
        let p = private.display();
        // aicr asks for the help and the version at the same time.
        let probe = format!("{cosign} version >/dev/null 2>&1 & {cosign} sign-blob --help >/dev/null; wait");
        let bare_verify = format!(
            "{cosign} verify-blob --key={public} --insecure-ignore-tlog=true --trusted-root={p}/trusted-root.json --bundle={signed}/attestation/checksums.txt.sigstore.json {signed}/checksums.txt >/dev/null 2>&1"
        );
        let bare_sign = format!(
            "{probe}; export COSIGN_PASSWORD=; {cosign} public-key --key={key} >/dev/null; {cosign} sign-blob --yes=true --key={key} --signing-config={p}/signing-config.json --trusted-root={p}/trusted-root.json --bundle={p}/bundle.json {signed}/checksums.txt >/dev/null 2>&1; {bare_verify}"
        );
        let runs = self.runs * 3;
        row(
            "bundle and sign",
            "1 file",
            "the bare cosign runs",
            &Pair::run(runs, &mut || shell(&sign()), &mut || shell(&bare_sign)),
        );
        let bare_verify = format!("{probe}; {bare_verify}");
        row(
            "verify",
            "1 file",
            "the bare cosign runs",
            &Pair::run(runs, &mut || shell(&verify), &mut || shell(&bare_verify)),
        );
    }
}

fn row(work: &str, data: &str, beside: &str, pair: &Pair) {
    let Pair { first, second } = pair;
    let ratios: Vec<f64> = first.iter().zip(second).map(|(a, b)| a.seconds / b.seconds).collect();
    let seconds = |runs: &[Measured]| spread(&runs.iter().map(|run| run.seconds).collect::<Vec<_>>());
    let memory = first.iter().map(|run| run.kibibytes).max().unwrap_or_default() / 1024;
    let failed = first.iter().chain(second).filter(|run| !run.succeeded).count();
    let failed = if failed == 0 { String::new() } else { format!(" ({failed} runs FAILED)") };
    println!(
        "| {work} | {data} | `{beside}`{failed} | {:.3} | {:.3} | {:.3} ({:.3} - {:.3}) | {memory} |",
        seconds(first)[1],
        seconds(second)[1],
        spread(&ratios)[1],
        spread(&ratios)[0],
        spread(&ratios)[2]
    );
}

/// Minimum, median and maximum.
fn spread(figures: &[f64]) -> [f64; 3] {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    [sorted[0], sorted[sorted.len() / 2], sorted[sorted.len() - 1]]
}
