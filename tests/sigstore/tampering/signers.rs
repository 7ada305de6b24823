//! Changes to the signer, fields of the old form, and roots of other sites.

use serde_json::{Value, json};

use super::bundles::Signatures;
use super::log_entries::{OF_ANOTHER_SIGNATURE, spoil};
use super::row::{
    ByCosign, Expected, Log, LogAndTimestamp, Nothing, ROOT, Rejected, Required, Row, Timestamp,
    TimestampIfThere, row,
};
use super::timestamps::OF_ANOTHER;
use crate::site::{ISSUER, PERSON, Site};

const OLD_FORM: &str =
    "FILE has a field of the legacy form, which can forge a signature (GHSA-fx35-mq7g-6g98)";
const ANY: [Required; 5] = [Log, LogAndTimestamp, Nothing, TimestampIfThere, Timestamp];
const ANY_OF_IDENTITY: [Required; 3] = [Log, LogAndTimestamp, Timestamp];

/// The file of a certificate for a person, issued by another authority with the same name, for
/// another key.
pub(crate) const FORGED: &str = "forged.der";

/// Writes that certificate, and trusted roots of the site in which one list is empty or another
/// site's.
pub(crate) fn prepare(site: &Site) {
    let read = |file: &str| -> Value { serde_json::from_str(&site.read(file)).unwrap() };
    let (own, other) = (read(ROOT), read("site/other/trusted-root.json"));
    for list in ["tlogs", "certificateAuthorities", "ctlogs", "timestampAuthorities"] {
        let mut root = own.clone();
        root[list] = json!([]);
        site.file(&format!("no-{list}.json"), root.to_string());
        root[list] = other[list].clone();
        site.file(&format!("other-{list}.json"), root.to_string());
    }
    site.file(
        "forged.cnf",
        format!(
            "keyUsage = critical,digitalSignature
extendedKeyUsage = codeSigning
subjectAltName = critical,email:{PERSON}
1.3.6.1.4.1.57264.1.1 = DER:{}
1.3.6.1.4.1.57264.1.8 = ASN1:UTF8String:{ISSUER}\n",
            ISSUER.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
        ),
    );
    site.shell(&format!(
        "openssl x509 -new -force_pubkey other.pub -subj / -days 1 -extfile forged.cnf \
         -CA site/other/fulcio.pem -CAkey site/other/fulcio.key -passin pass:site -outform DER -out {FORGED}"
    ))
    .whatever_it_prints()
    .succeeds();
}

fn all(required: &[Required], said: Expected) -> Vec<(Required, Expected)> {
    required.iter().map(|required| (*required, said)).collect()
}

pub(super) fn rows() -> Vec<Row> {
    const LEAF: Expected =
        ByCosign("failed to verify leaf certificate: leaf certificate verification failed");
    const CERTIFICATE: Expected =
        ByCosign("failed to verify log inclusion: transparency log certificate does not match");
    const SCT: Expected = ByCosign(
        "failed to verify signed certificate timestamp: only able to verify 0 SCT entries; unable to meet threshold of 1",
    );
    let mut rows = Vec::new();
    for (field, change) in [
        (
            "base64Signature added",
            (|bundle, _| bundle["base64Signature"] = json!("AAAA")) as fn(&mut Value, &Signatures),
        ),
        ("cert added", |bundle, _| bundle["cert"] = json!("AAAA")),
        ("rekorBundle added", |bundle, _| bundle["rekorBundle"] = json!({})),
    ] {
        rows.push(row(field, "key-rekor1-tsa", change, all(&ANY, Rejected(OLD_FORM))).everywhere());
        rows.push(
            row(field, "keyless-rekor1-tsa", change, all(&ANY_OF_IDENTITY, Rejected(OLD_FORM))).everywhere(),
        );
    }
    for of in ["keyless-rekor1-tsa", "keyless-rekor2-tsa"] {
        for (list, name, said) in [
            ("other-certificateAuthorities.json", "nothing: the root of another certificate authority", LEAF),
            ("no-certificateAuthorities.json", "nothing: a root without certificate authority", LEAF),
            ("other-ctlogs.json", "nothing: the root of another certificate transparency log", SCT),
            ("no-ctlogs.json", "nothing: a root without certificate transparency log", SCT),
        ] {
            rows.push(row(name, of, |_, _| {}, all(&ANY_OF_IDENTITY, said)).with_root(list).everywhere());
        }
    }
    rows.push(
        row(
            "certificate of another signature",
            "keyless-rekor1-tsa",
            |bundle, all| {
                bundle["verificationMaterial"]["certificate"] =
                    all.of("again/keyless-rekor1-tsa")["verificationMaterial"]["certificate"].clone();
            },
            vec![(Log, CERTIFICATE), (LogAndTimestamp, CERTIFICATE), (Timestamp, LEAF)],
        )
        .everywhere(),
    );
    rows.push(
        row(
            "certificate's signature",
            "keyless-rekor1-tsa",
            |bundle, _| spoil(&mut bundle["verificationMaterial"]["certificate"]["rawBytes"]),
            vec![(Log, CERTIFICATE), (LogAndTimestamp, CERTIFICATE), (Timestamp, LEAF)],
        )
        .everywhere(),
    );
    // Only the authority is wrong.
    rows.push(
        row(
            "certificate of another authority",
            "other-rekor1-tsa",
            |bundle, all| {
                let material = bundle["verificationMaterial"].as_object_mut().unwrap();
                material.remove("publicKey").unwrap();
                material.insert("certificate".into(), json!({ "rawBytes": all.of(FORGED) }));
            },
            vec![(Log, CERTIFICATE), (LogAndTimestamp, CERTIFICATE), (Timestamp, LEAF)],
        )
        .with_signer_of("keyless-rekor1-tsa")
        .everywhere(),
    );
    rows.push(
        row(
            "signature",
            "key-rekor1-tsa",
            |bundle, _| spoil(&mut bundle["messageSignature"]["signature"]),
            vec![
                (Log, OF_ANOTHER_SIGNATURE),
                (LogAndTimestamp, OF_ANOTHER_SIGNATURE),
                (Nothing, ByCosign("failed to verify signature: could not verify message: invalid signature when validating ASN.1 encoded signature")),
                (TimestampIfThere, OF_ANOTHER),
                (Timestamp, OF_ANOTHER),
            ],
        )
        .everywhere(),
    );
    rows.push(
        row(
            "signature",
            "keyless-rekor1-tsa",
            |bundle, _| spoil(&mut bundle["messageSignature"]["signature"]),
            vec![(Log, OF_ANOTHER_SIGNATURE), (Timestamp, OF_ANOTHER)],
        )
        .everywhere(),
    );
    rows
}
