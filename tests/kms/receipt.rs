//! A receipt is read by the Python library of in-toto, which knows nothing of aicr.

use std::path::Path;

use crate::loopback::newest;
use crate::sandbox::Sandbox;
use crate::site::kms_home;

/// Reads and checks a statement, and prints what it is about and its result.
const READ: &str = "import sys
from google.protobuf import json_format
from in_toto_attestation.v1 import statement, statement_pb2
read = json_format.Parse(open(sys.argv[1]).read(), statement_pb2.Statement())
statement.Statement.copy_from_pb(read).validate()
print(read.subject[0].name, read.subject[0].digest['sha256'], read.predicate['verificationResult'])
";

#[test]
fn in_toto_reads_a_receipt() {
    let sandbox = Sandbox::with_cosign(Path::new(&newest()));
    sandbox.signed();
    let verify = "verify B --key cosign.pub --insecure-ignore-tlog -q";
    sandbox.aicr(&format!("{verify} --receipt passed")).succeeds();
    sandbox.file("B/a", "other\n");
    sandbox.aicr(&format!("{verify} --receipt failed")).whatever_it_prints().exits(5);
    // cosign can sign it, like any file.
    let config = r#"{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json","rekorTlogConfig":{},"tsaConfig":{}}"#;
    sandbox
        .file("config", config)
        .shell(
            "cosign sign-blob --yes --key=cosign.key --signing-config=config --bundle=passed.json passed &&
             cosign verify-blob --key=cosign.pub --insecure-ignore-tlog=true --bundle=passed.json passed",
        )
        .whatever_it_prints()
        .succeeds();
    let digest = sandbox.shell("sha256sum <B/checksums.txt | head -c 64").output().stdout;
    let digest = String::from_utf8(digest).unwrap();
    let python = format!("{}/bin/python", kms_home());
    for (file, result) in [("passed", "PASSED"), ("failed", "FAILED")] {
        sandbox
            .program_run([&python, "-c", READ, file])
            .stdout(&format!("checksums.txt {digest} {result}\n"))
            .succeeds();
    }
}
