//! `--report`: the JSON of a run in a file, whatever is printed.

use std::fs;

use serde_json::Value;

use crate::sandbox::{Sandbox, UNSIGNED};

const TRUST: &str = "--key cosign.pub --insecure-ignore-tlog";

/// The verdict of the first bundle, the exit code, and the message of the error, in a report.
fn read(sandbox: &Sandbox, file: &str) -> (String, u64, String) {
    let text = sandbox.read(file);
    assert!(text.ends_with("}\n") && text.lines().count() == 1, "{text}");
    let report: Value = serde_json::from_str(&text).unwrap();
    let word = |pointer: &str| report.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    assert_eq!(word("/aicr"), env!("CARGO_PKG_VERSION"));
    let time = word("/time");
    let shape: String =
        time.chars().map(|letter| if letter.is_ascii_digit() { '0' } else { letter }).collect();
    assert_eq!(shape, "0000-00-00T00:00:00Z", "{time}");
    (word("/bundles/0/verdict"), report["exit"].as_u64().unwrap(), word("/error/message"))
}

#[test]
fn the_result_is_in_the_file_whatever_is_printed() {
    let sandbox = Sandbox::new();
    sandbox.signed().file("r.json", "older");
    sandbox.aicr(&format!("verify B {TRUST} --report r.json -q")).succeeds();
    assert_eq!(read(&sandbox, "r.json"), ("accepted".into(), 0, String::new()));
    let printed = sandbox.aicr(&format!("--format=json verify B {TRUST} --report=r.json")).output();
    let [printed, written] = [printed.stdout, fs::read(sandbox.path("r.json")).unwrap()]
        .map(|text| serde_json::from_slice::<Value>(&text).unwrap()["bundles"].clone());
    assert_eq!(printed, written);

    sandbox.aicr("bundle dist --output C -q --report r.json").stderr(UNSIGNED).succeeds();
    assert_eq!(read(&sandbox, "r.json"), ("unsigned".into(), 0, String::new()));
    sandbox.file("B/extra", "");
    sandbox.aicr(&format!("verify B {TRUST} --report r.json")).whatever_it_prints().exits(5);
    assert_eq!(read(&sandbox, "r.json"), ("rejected".into(), 5, String::new()));
    sandbox.aicr("completions bash --report r.json").whatever_it_prints().succeeds();
    assert_eq!(read(&sandbox, "r.json"), (String::new(), 0, String::new()));
    assert!(sandbox.tree("").iter().all(|name| !name.contains(".aicr-report")));
}

/// A wrong command line has a report too, but not if `--report` itself is wrong.
#[test]
fn a_refused_command_line() {
    let sandbox = Sandbox::new();
    sandbox.signed();
    for line in [
        "verify B",
        "verify B --frob",
        "frobnicate",
        "verify --key k.pub",
        "bundle --tlog-upload false B -o C",
    ] {
        sandbox.aicr(&format!("{line} --report r.json")).whatever_it_prints().exits(2);
        let (_, exit, message) = read(&sandbox, "r.json");
        assert!(exit == 2 && !message.is_empty(), "{line}");
        sandbox.remove("r.json");
    }
    for line in [
        "verify B --report r.json --report s.json",
        "--report r.json verify B --report s.json",
        "verify B --key cosign.pub --insecure-ignore-tlog --report",
        "verify B --frob --report B/r.json",
        "verify B --frob --report=cosign.pub --key=cosign.pub",
    ] {
        let before = sandbox.tree("");
        sandbox.aicr(line).whatever_it_prints().exits(2);
        assert_eq!(sandbox.tree(""), before, "{line}");
    }
    assert!(sandbox.read("cosign.pub").starts_with("-----BEGIN"));
}

#[test]
fn where_a_report_may_not_be() {
    let sandbox = Sandbox::new();
    sandbox.signed().directory("sub").link("there", "B");
    let other = "choose a file in another directory; a report is not a part of a bundle";
    let verify = format!("verify B {TRUST}");
    for (line, file, why, hint) in [
        (verify.as_str(), "B/r.json", "is inside B", other),
        (&verify, "there/r.json", "is inside B", other),
        (&verify, "cosign.pub", "is a file that this command uses", "choose another file name"),
        (&verify, "sub", "is a directory", "choose another file name"),
        (&verify, "there", "is inside B", other),
        (&verify, "sub/", "does not name a file", "--report sub/report.json"),
        (&verify, "-", "is a file name", "--format json prints the result to stdout"),
        ("bundle dist --output C", "dist/r.json", "is inside dist", other),
        ("bundle dist --output C", "C/r.json", "is inside C", other),
        ("bundle dist --in-place", "dist/r.json", "is inside dist", other),
        ("bundle-sign B --signing-key cosign.key --tlog-upload=false", "B/r.json", "is inside B", other),
        (
            "bundle-sign B --signing-key cosign.key --tlog-upload=false",
            "cosign.key",
            "is a file that this command uses",
            "choose another file name",
        ),
    ] {
        let before = sandbox.tree("");
        sandbox
            .aicr(&format!("{line} --report {file}"))
            .stderr(&format!("error: --report {file} {why}\nhint: {hint}\n"))
            .exits(2);
        assert_eq!(sandbox.tree(""), before, "{line}");
    }
    sandbox
        .aicr_with(["verify", "B", "--report", ""])
        .stderr("error: --report: the path is empty\nhint: an unset variable in the command line is the usual cause\n")
        .exits(2);
}

/// Exit 1 after `accepted` and after a signature; the verdict 5, and a refusal, stand above it.
#[test]
fn a_report_that_cannot_be_written() {
    let sandbox = Sandbox::new();
    sandbox.signed().file("empty/x", "");
    let error = "error: cannot write --report none/r.json: no such file or directory";
    let report = "--report none/r.json -q";
    sandbox.aicr(&format!("verify B {TRUST} {report}")).stderr(&format!("{error}\n")).exits(1);
    sandbox
        .aicr(&format!("bundle dist --output C --signing-key cosign.key --tlog-upload=false {report}"))
        .stderr(&format!("{error}; C is signed all the same\n"))
        .exits(1);
    sandbox.aicr(&format!("verify C {TRUST} -q")).succeeds();
    sandbox
        .aicr(&format!("verify empty {TRUST} {report}"))
        .stderr(&format!(
            "error: empty is not a bundle: it has no checksums.txt\nhint: give the directory that holds it\n{error}\n"
        ))
        .exits(5);
    sandbox
        .aicr(&format!("verify nowhere {TRUST} {report}"))
        .stderr(&format!("error: nowhere does not exist\n{error}\n"))
        .exits(2);
}
