//! `make bench`: the speed of aicr compared with the tools it could be replaced by, on the same data,
//! run in turn. Figures are for people to read: nothing here fails because something was slow.
//!
//! `BENCH=quick` takes a tenth of the data. `BENCH=signing` measures only what does not depend on it.
//! `BENCH=huge` takes a million files, and one of 10 GiB, and a tenth of each. `BENCH=peers` takes a
//! program that signs trees, too. `BENCH=static` compares the static program with the one that uses
//! the C library of the system. `DATA=T1` leaves the other sets of data out.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program for people that has no user but its author: what goes wrong may end it"
)]

mod chart;
mod data;
mod pairs;
mod signing;
mod table;

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};

use data::Kind;
use pairs::{Measured, Pair, shell};
use table::Row;

/// The program that is measured.
const AICR: &str = env!("CARGO_BIN_EXE_aicr");

/// What comes before a bundle is made in place again. With `--force`, nothing would be signed the second time.
const AGAIN: &str = "rm -rf {tree}/checksums.txt {tree}/attestation";

/// Where the charts are.
const CHARTS: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/bench");

/// What is measured on how much data, and how often.
struct Extent {
    divisor: u64,
    runs: usize,
    kinds: &'static [Kind],
    /// What is measured once, before there is any such data.
    first: fn(&Bench),
    rows: fn(&Bench, Kind, &Path),
}

const USUAL: [Kind; 4] = [Kind::ManySmall, Kind::ManyTiny, Kind::FewLarge, Kind::OneHuge];

impl Extent {
    fn wanted() -> Self {
        let usual = Self { divisor: 1, runs: 5, kinds: &USUAL, first: Bench::signing, rows: Bench::usual };
        let other = Self { runs: 3, first: |_| {}, ..usual };
        match std::env::var("BENCH").as_deref() {
            Ok("quick") => Self { divisor: 10, runs: 3, ..usual },
            Ok("signing") => Self { kinds: &[], ..usual },
            Ok("huge") => Self { kinds: &[Kind::Million, Kind::TenGiB], rows: Bench::growth, ..other },
            Ok("static") => Self { kinds: &USUAL[..3], first: |_| {}, rows: Bench::linking, ..usual },
            Ok("peers") => Self { kinds: &USUAL[..3], rows: Bench::peers, ..other },
            _ => usual,
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
    let bench = Bench {
        room: room.path().to_owned(),
        cosign: std::env::var("AICR_TEST_COSIGN").expect("`make bench` sets AICR_TEST_COSIGN"),
        runs: extent.runs,
        copies: Cell::new(0),
        rows: RefCell::default(),
    };
    println!("{}\n", machine());
    table::print_head();
    let chosen = std::env::var("DATA").unwrap_or_default();
    if chosen.is_empty() {
        (extent.first)(&bench);
        bench.draw("signing", "Signing and verifying a small bundle");
    }
    for kind in extent.kinds.iter().filter(|kind| chosen.is_empty() || kind.name() == chosen) {
        let made = data::make(*kind, extent.divisor, &bench.room.join(kind.name()));
        (extent.rows)(&bench, *kind, &made);
        bench.draw(kind.name(), &format!("{}: {}", kind.name(), kind.described()));
        // Few files go at once: they take all the room that many a disk has.
        if kind.is_removed_at_once() {
            remove(&made);
        }
    }
    println!("\ncharts: {CHARTS}");
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

/// The key that cosign signs with, and its public half.
struct Keys {
    private: String,
    public: String,
}

impl Keys {
    fn throwaway() -> Self {
        let of = |half: &str| format!("{}/fixtures/keys/throwaway.{half}", env!("CARGO_MANIFEST_DIR"));
        Self { private: of("key"), public: of("pub") }
    }
}

struct Bench {
    room: PathBuf,
    cosign: String,
    runs: usize,
    /// How many there are in the room.
    copies: Cell<usize>,
    /// What was measured since the last chart.
    rows: RefCell<Vec<Row>>,
}

impl Bench {
    /// A path that no run has written to.
    fn fresh(&self) -> PathBuf {
        self.copies.set(self.copies.get() + 1);
        self.copy_number(self.copies.get())
    }

    fn copy_number(&self, number: usize) -> PathBuf {
        self.room.join(format!("copy-{number}"))
    }

    /// How often each is run. A run on gigabytes takes up to a minute.
    fn runs(&self, kind: Kind) -> usize {
        if kind.is_few() { self.runs.min(3) } else { self.runs }
    }

    /// Prints a row of the table, and keeps it for the chart. What was deleted slows down what is created for a
    /// while, so the copies go only now, after all runs of the row.
    fn row(&self, work: &str, data: &str, against: &str, pair: &Pair) {
        let row = Row::new(work, data, against, pair);
        row.print();
        self.rows.borrow_mut().push(row);
        (1..=self.copies.replace(0)).for_each(|number| remove(&self.copy_number(number)));
    }

    /// Draws the chart of the rows since the last one.
    fn draw(&self, name: &str, title: &str) {
        let rows = self.rows.take();
        if !rows.is_empty() {
            std::fs::create_dir_all(CHARTS).expect("make a directory for the charts");
            std::fs::write(format!("{CHARTS}/{name}.svg"), chart::draw(title, &rows)).expect("write a chart");
        }
    }

    fn usual(&self, kind: Kind, tree: &Path) {
        self.verify(kind, tree);
        if kind != Kind::OneHuge {
            self.build(kind, tree);
            self.copy(kind, tree);
            self.shard(kind, tree);
            self.archive(kind, tree);
        }
    }

    /// Ten times as much, compared with ten times a tenth of it. The time of cosign is in the last rows.
    fn growth(&self, kind: Kind, tree: &Path) {
        let tenth = data::make(kind, 10, &self.room.join("tenth"));
        let Keys { private, public } = Keys::throwaway();
        let aicr = format!("COSIGN_PASSWORD= {AICR} --quiet --cosign {}", self.cosign);
        let verify = format!("{aicr} verify {{tree}} --key {public} --insecure-ignore-tlog");
        let bundle = format!("{AGAIN} && {aicr} bundle {{tree}} --in-place");
        let mut works = vec![
            ("verify --checksums-only", format!("{aicr} verify {{tree}} --checksums-only")),
            ("bundle --in-place", bundle.clone()),
        ];
        if kind == Kind::Million {
            works.extend([
                (
                    "bundle --in-place, signed",
                    format!("{bundle} --signing-key {private} --tlog-upload=false"),
                ),
                ("verify", verify.clone()),
                ("verify --copy-to", format!("{verify} --copy-to {{}}")),
                ("pack", format!("{aicr} pack {{tree}} --output {{}}")),
            ]);
        }
        for (name, words) in works {
            let run = |tree: &Path| {
                self.written_to_fresh(kind, &words.replace("{tree}", &tree.display().to_string()))
            };
            let ten_times = || {
                let tenth = run(&tenth);
                Measured { seconds: 10.0 * tenth.seconds, ..tenth }
            };
            let pair = Pair::run(self.runs(kind), &mut || run(tree), &mut || ten_times());
            self.row(name, kind.name(), "ten times a tenth of it", &pair);
        }
        std::fs::remove_dir_all(tenth).expect("remove a tree");
    }

    /// The static program of a release, compared with the one that `make` builds.
    fn linking(&self, kind: Kind, tree: &Path) {
        let linked = std::env::var("AICR_BENCH_STATIC").expect("`make bench` sets AICR_BENCH_STATIC");
        let tree = tree.display();
        let verify = |aicr: &str| shell(&format!("{aicr} verify {tree} --checksums-only --quiet"));
        let pair = Pair::run(self.runs(kind), &mut || verify(&linked), &mut || verify(AICR));
        self.row("static: verify --checksums-only", kind.name(), "glibc", &pair);
        let bundle = |aicr: &str| {
            let line = format!("{aicr} bundle {tree} --exclude /checksums.txt --output {{}} --quiet");
            self.written_to_fresh(kind, &line)
        };
        let pair = Pair::run(self.runs(kind), &mut || bundle(&linked), &mut || bundle(AICR));
        self.row("static: bundle", kind.name(), "glibc", &pair);
    }

    /// A tree that is signed where it is, and verified.
    fn peers(&self, kind: Kind, tree: &Path) {
        let peer =
            std::env::var("AICR_BENCH_MODEL_SIGNING").expect("`make bench` sets AICR_BENCH_MODEL_SIGNING");
        let (key, public) = (self.room.join("peer.key"), self.room.join("peer.pub"));
        let (signature, keys) = (self.room.join("peer.sig"), Keys::throwaway());
        let (key, public, signature, tree) =
            (key.display(), public.display(), signature.display(), tree.display());
        let made = shell(&format!(
            "openssl ecparam -name prime256v1 -genkey -noout -out {key} && openssl pkey -in {key} -pubout -out {public}"
        ));
        assert!(made.succeeded, "openssl made no key");
        let aicr = format!("COSIGN_PASSWORD= {AICR} --cosign {} --quiet", self.cosign);
        for (name, ours, theirs) in [
            (
                "bundle --in-place, signed",
                format!(
                    "{} && {aicr} bundle {tree} --in-place --signing-key {} --tlog-upload=false",
                    AGAIN.replace("{tree}", &tree.to_string()),
                    keys.private
                ),
                format!("{peer} sign key {tree} --private_key {key} --signature {signature} >/dev/null"),
            ),
            (
                "verify",
                format!("{aicr} verify {tree} --key {} --insecure-ignore-tlog", keys.public),
                format!("{peer} verify key {tree} --public_key {public} --signature {signature} >/dev/null"),
            ),
        ] {
            self.row(
                name,
                kind.name(),
                "model_signing",
                &Pair::run(self.runs(kind), &mut || shell(&ours), &mut || shell(&theirs)),
            );
        }
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
            let pair = Pair::run(self.runs(kind), &mut || shell(&aicr), &mut || shell(&other));
            self.row("verify --checksums-only", kind.name(), name, &pair);
        }
    }

    fn build(&self, kind: Kind, tree: &Path) {
        // The data has a manifest of its own, for the verifier; it is left out here.
        let tree = tree.display();
        let ours = format!("{AICR} bundle {tree} --exclude /checksums.txt --output {{}} --quiet");
        let theirs =
            format!("cp -r {tree} {{}} && find {{}} -type f -print0 | xargs -0 sha256sum >/dev/null");
        self.written("bundle", kind, &ours, ("cp -r, sha256sum", &theirs, "sync -f"));
    }

    /// A bundle that is verified and copied in one pass. The time of cosign is in it.
    fn copy(&self, kind: Kind, tree: &Path) {
        let Keys { private, public } = Keys::throwaway();
        let (aicr, tree) =
            (format!("COSIGN_PASSWORD= {AICR} --cosign {} --quiet", self.cosign), tree.display());
        let signed = shell(&format!("{aicr} bundle-sign {tree} --signing-key {private} --tlog-upload=false"));
        assert!(signed.succeeded, "the data was not signed");
        let ours = format!("{aicr} verify {tree} --key {public} --insecure-ignore-tlog --copy-to {{}}");
        let theirs = format!("cp -r {tree} {{}} && (cd {{}} && sha256sum --check --quiet checksums.txt)");
        self.written("verify --copy-to", kind, &ours, ("cp -r, sha256sum --check", &theirs, "sync -f"));
    }

    /// A quarter of the signed bundle that `copy` has left. The time of cosign is in both.
    fn shard(&self, kind: Kind, tree: &Path) {
        let (cosign, tree, public) = (&self.cosign, tree.display(), Keys::throwaway().public);
        let whole =
            format!("{AICR} --cosign {cosign} --quiet verify {tree} --key {public} --insecure-ignore-tlog");
        let quarter = format!("{whole} --shard 1/4");
        let pair = Pair::run(self.runs(kind), &mut || shell(&quarter), &mut || shell(&whole));
        self.row("verify --shard 1/4", kind.name(), "verify", &pair);
    }

    /// An archive of the signed bundle that `copy` has left, written and verified. The time of cosign is in the latter.
    fn archive(&self, kind: Kind, tree: &Path) {
        let public = Keys::throwaway().public;
        let tree = tree.display();
        let pack = format!("{AICR} pack {tree} --output {{}} --quiet");
        self.written("pack", kind, &pack, ("tar -c", &format!("tar -C {tree} -cf {{}} ."), "sync"));
        let packed = self.room.join("packed.tar");
        let packed = packed.display();
        assert!(shell(&pack.replace("{}", &packed.to_string())).succeeded, "the data was not packed");
        let verify = format!(
            "{AICR} --cosign {} --quiet verify {packed} --key {public} --insecure-ignore-tlog",
            self.cosign
        );
        let theirs = format!(
            "mkdir {{}} && tar -C {{}} -xf {packed} && cd {{}} && sha256sum --check --quiet checksums.txt"
        );
        let pair =
            Pair::run(self.runs(kind), &mut || shell(&verify), &mut || self.written_to_fresh(kind, &theirs));
        self.row("verify FILE.tar", kind.name(), "tar -x, sha256sum --check", &pair);
        remove(&self.room.join("packed.tar"));
    }

    /// Two lines that write, and the second once more with a wait for the disk at the end, as aicr waits.
    fn written(&self, work: &str, kind: Kind, ours: &str, (name, theirs, sync): (&str, &str, &str)) {
        for (name, theirs) in [
            (name.to_owned(), theirs.to_owned()),
            (format!("{name}, {sync}"), format!("{theirs} && {sync} {{}}")),
        ] {
            let pair = Pair::run(self.runs(kind), &mut || self.written_to_fresh(kind, ours), &mut || {
                self.written_to_fresh(kind, &theirs)
            });
            self.row(work, kind.name(), &name, &pair);
        }
    }

    /// Runs a line that writes to a new directory or file, which `{}` stands for.
    fn written_to_fresh(&self, kind: Kind, line: &str) -> Measured {
        let new = self.fresh();
        let measured = shell(&line.replace("{}", &new.display().to_string()));
        if kind.is_removed_at_once() {
            remove(&new);
        }
        measured
    }
}

fn remove(path: &Path) {
    let _ = std::fs::remove_dir_all(path).or_else(|_| std::fs::remove_file(path));
}
