//! The examples that verify a bundle in several jobs: make and Kubernetes, each run as it stands with a real cosign, and
//! what makes one result of all reports. `make test-slurm` runs the one for Slurm.

use std::fs;

use crate::sandbox::{Run, SMALL_SHA256, Sandbox, repository};

fn example(file: &str) -> String {
    fs::read_to_string(repository().join("examples").join(file)).unwrap()
}

/// A signed bundle `B`, and the examples for make.
fn with_make() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.signed();
    for file in ["all-shards.jq", "make/Makefile"] {
        sandbox.file(&format!("examples/{file}"), example(file));
    }
    sandbox
}

fn make<'a>(sandbox: &'a Sandbox, words: &str) -> Run<'a> {
    let words = ["make", "-j4", "--no-print-directory", "--file", "examples/make/Makefile", "BUNDLE=B"]
        .into_iter()
        .chain(words.split_whitespace());
    sandbox.program_run(words)
}

#[test]
fn make_verifies_all_shards() {
    let sandbox = with_make();
    for shards in [1, 3] {
        make(&sandbox, &format!("SHARDS={shards}"))
            .stdout(&format!("accepted: B, {shards} shards, 2 files, manifest sha256 {SMALL_SHA256}\n"))
            .succeeds();
    }
    sandbox.file("B/sub/b", "changed\n").file("B/new", "");
    let output = make(&sandbox, "SHARDS=3").output();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(printed.ends_with("rejected: changed sub/b, unlisted new\n"), "{printed}");
    assert_eq!(output.status.code(), Some(2));
    // Without a result of an earlier run.
    let output = make(&sandbox, "SHARDS=3 KEY=nowhere").output();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(printed.ends_with("not accepted: --key nowhere does not exist\n"), "{printed}");
    assert_eq!(output.status.code(), Some(2));
}

/// The line about these reports.
fn together(sandbox: &Sandbox, shards: u32, reports: &str) -> String {
    let line = format!(
        "jq --slurp --raw-output --argjson shards {shards} --from-file examples/all-shards.jq {reports}"
    );
    String::from_utf8(sandbox.shell(&line).whatever_it_prints().succeeds().stdout).unwrap()
}

#[test]
fn one_result_of_all_reports() {
    let sandbox = with_make();
    let verify = |bundle: &str, shard: &str, report: &str| {
        let flags = "--key cosign.pub --insecure-ignore-tlog --quiet";
        sandbox
            .aicr(&format!("verify {bundle} {flags} --shard {shard} --report {report}"))
            .whatever_it_prints()
            .output();
    };
    for shard in ["1/3", "2/3", "3/3", "2/4"] {
        verify("B", shard, &format!("{}.json", shard.replace('/', "of")));
    }
    sandbox.file("other/a", "alpha\n");
    sandbox.aicr("bundle other -o C --signing-key cosign.key --tlog-upload=false -q").succeeds();
    verify("C", "2/3", "other.json");
    sandbox.file("empty.json", "");
    sandbox.aicr("verify B --key cosign.pub --insecure-ignore-tlog -q --report whole.json").succeeds();
    sandbox.aicr("bundle other -o U -q").whatever_it_prints().succeeds();
    verify("U", "2/3", "unsigned.json");
    for name in ["1", "2", "3", "4", "5"] {
        sandbox.file(&format!("B/new{name}"), "");
    }
    verify("B", "1/3", "unlisted.json");
    let accepted = format!("accepted: B, 3 shards, 2 files, manifest sha256 {SMALL_SHA256}\n");
    for (reports, expected) in [
        ("1of3.json 2of3.json 3of3.json", accepted.as_str()),
        ("3of3.json 1of3.json 2of3.json 2of3.json", &accepted),
        ("1of3.json 3of3.json", "not accepted: no report of shard 2\n"),
        ("1of3.json 1of3.json 1of3.json", "not accepted: no report of shard 2, 3\n"),
        ("1of3.json 2of4.json 3of3.json", "not accepted: no report of shard 2\n"),
        ("1of3.json empty.json 3of3.json", "not accepted: no report of shard 2\n"),
        ("1of3.json whole.json 3of3.json", "not accepted: no report of shard 2\n"),
        ("empty.json", "not accepted: no report of shard 1, 2, 3\n"),
        ("1of3.json other.json 3of3.json", "not accepted: the shards have 2 different manifests\n"),
        (
            "1of3.json unsigned.json 3of3.json",
            "not accepted: U is unsigned: it has no attestation/checksums.txt.sigstore.json\n",
        ),
        (
            "unlisted.json 2of3.json 3of3.json",
            "rejected: unlisted new1, unlisted new2, unlisted new3, and 2 more\n",
        ),
    ] {
        assert_eq!(together(&sandbox, 3, reports), expected, "{reports}");
    }
}

/// The command of the container, once for each completion index, and the line of the comment that compares the manifests.
#[test]
fn the_containers_of_kubernetes_verify_all_shards() {
    let sandbox = Sandbox::new();
    sandbox.signed();
    let text = example("kubernetes/verify-bundle.yml");
    let (_, command) = text.split_once("            - >-\n").unwrap();
    let command: Vec<&str> =
        command.lines().take_while(|line| line.starts_with("              ")).map(str::trim).collect();
    let command =
        command.join(" ").replace("/bundles/release-1.4", "B").replace("/key/cosign.pub", "cosign.pub");
    assert!(command.starts_with("exec aicr verify B --key cosign.pub "), "{command}");
    assert_eq!(text.matches("completions: 8\n").count(), 1);
    let run = |index: u32| sandbox.shell(&command).env("JOB_COMPLETION_INDEX", &index.to_string());
    let mut logs = String::new();
    for index in 0..8 {
        let output = run(index).whatever_it_prints().succeeds();
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(printed.ends_with(&format!("shard {} of 8\n", index + 1)), "{printed}");
        logs += &printed;
    }
    run(8).whatever_it_prints().exits(2);
    sandbox.file("logs", logs);
    let (_, compare) = text.split_once("#   kubectl logs ").unwrap();
    let compare: String = compare.lines().take(2).map(|line| line.trim_start_matches('#')).collect();
    sandbox
        .shell(&format!("kubectl() {{ cat logs; }}; kubectl logs {compare}"))
        .stdout(&format!("    {SMALL_SHA256}\n"))
        .succeeds();
    sandbox.file("B/a", "changed\n");
    run(0).whatever_it_prints().exits(5);
}
