//! A release of others, signed by a key that OpenSSL makes.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::sandbox::{Run, Sandbox};

/// Digests of `alpha\n` and `beta\n`.
pub(crate) const ALPHA: &str = "b6a98d9ce9a2d9149288fa3df42d377c3e42737afdcdaf714e33c0a100b51060";
pub(crate) const BETA: &str = "f2c82decdd7181cf98945929a62598db7e6b477e11f6e0eb0ae97020eff151ad";

pub(crate) const TRUST: &str = "--key signer.pub --insecure-ignore-tlog";
pub(crate) const IDENTITY: &str =
    "--certificate-identity me@example.com --certificate-oidc-issuer https://id.example.com";
pub(crate) const ONLY: &str =
    "hint: --checksums-only compares the files with the manifest; it proves nothing about who made it\n";

/// A release in `R`, with a key of its own: `signer.pem`, `signer.pub`.
pub(crate) struct Foreign {
    pub(crate) sandbox: Sandbox,
    pub(crate) key_sha256: String,
}

impl Foreign {
    /// One whose manifest `SUMS` is as several tools write it.
    pub(crate) fn new() -> Self {
        Self::within(Sandbox::new())
    }

    pub(crate) fn within(sandbox: Sandbox) -> Self {
        let foreign = Self { sandbox, key_sha256: String::new() };
        foreign.shell_line(
            "openssl ecparam -name prime256v1 -genkey -noout -out signer.pem
             openssl pkey -in signer.pem -pubout -out signer.pub",
        );
        let key_sha256 =
            foreign.shell_line("openssl pkey -pubin -in signer.pub -outform DER | sha256sum | head -c 64");
        let foreign = Self { key_sha256, ..foreign };
        foreign.sandbox.file("R/a", "alpha\n").file("R/sub/b", "beta\n");
        foreign.sums(&format!("{BETA} *./sub/b\n{ALPHA}  a\n"));
        foreign
    }

    fn shell_line(&self, line: &str) -> String {
        let output = self.sandbox.shell(line).whatever_it_prints().succeeds();
        String::from_utf8(output.stdout).unwrap()
    }

    /// The manifest with this text, without a signature.
    pub(crate) fn sums(&self, text: &str) -> &Self {
        for end in ["sig", "bundle", "sigstore", "sigstore.json"] {
            let _ = fs::remove_file(self.sandbox.path(format!("R/SUMS.{end}")));
        }
        self.sandbox.file("R/SUMS", text);
        self
    }

    /// A bare signature over the manifest.
    pub(crate) fn bare(&self) -> String {
        self.shell_line("openssl dgst -sha256 -sign signer.pem R/SUMS | openssl base64 -A")
    }

    /// The same as a Sigstore bundle of this version.
    pub(crate) fn bundle(&self, media_type: &str) -> String {
        let digest = |hex: &str| {
            let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
            STANDARD.encode((0..64).step_by(2).map(byte).collect::<Vec<_>>())
        };
        let sums = self.manifest_sha256();
        json!({
            "mediaType": format!("application/vnd.dev.sigstore.bundle{media_type}"),
            "verificationMaterial": { "publicKey": { "hint": digest(&self.key_sha256) } },
            "messageSignature": {
                "messageDigest": { "algorithm": "SHA2_256", "digest": digest(&sums) },
                "signature": self.bare(),
            },
        })
        .to_string()
    }

    pub(crate) fn manifest_sha256(&self) -> String {
        self.shell_line("sha256sum R/SUMS | head -c 64")
    }

    /// A manifest with this text, and a bare signature.
    pub(crate) fn signed(&self, text: &str) -> &Self {
        self.sums(text);
        let bare = self.bare();
        self.sandbox.file("R/SUMS.sig", bare);
        self
    }

    /// Every form of a signature by a key: the end of its name, and its content.
    pub(crate) fn forms(&self) -> Vec<(&'static str, String)> {
        let bare = self.bare();
        let old = |cert: Option<&str>| {
            let mut bundle = json!({ "base64Signature": bare });
            if let Some(cert) = cert {
                bundle["cert"] = json!(cert);
            }
            bundle.to_string()
        };
        let key = self.sandbox.read("signer.pub");
        vec![
            ("sig", bare.clone()),
            ("sig", format!("{}\n{}\n", &bare[..64], &bare[64..])),
            ("bundle", old(None)),
            ("bundle", format!("{}\n", old(Some(&STANDARD.encode(&key))))),
            ("sigstore", old(Some(&key))),
            ("sigstore.json", old(None)),
            ("sigstore", self.bundle("+json;version=0.1")),
            ("sigstore.json", self.bundle("+json;version=0.2")),
            ("sigstore.json", self.bundle("+json;version=0.3")),
            ("sigstore.json", self.bundle(".v0.3+json")),
        ]
    }

    /// What is printed about the release; `files` is the line about its files.
    pub(crate) fn about(&self, verdict: &str, files: &str) -> String {
        let (sums, key) = (self.manifest_sha256(), &self.key_sha256);
        let accepted = if verdict == "rejected" { "  signature accepted\n" } else { "" };
        format!(
            "{verdict} R
  manifest sha256
    {sums}
  {files}
{accepted}  key sha256
    {key}
  log none, timestamp none
"
        )
    }

    pub(crate) fn verify(&self, words: &str) -> Run<'_> {
        self.sandbox.aicr(&format!("verify R --manifest SUMS {words}"))
    }

    /// The release is accepted, without a warning.
    #[track_caller]
    pub(crate) fn is_accepted(&self, words: &str) {
        self.verify(&format!("{TRUST} {words}"))
            .stdout(&self.about("accepted", "2 files, 11 bytes"))
            .succeeds();
    }

    /// The release is rejected for this reason, before any file is looked at.
    #[track_caller]
    pub(crate) fn is_rejected(&self, words: &str, stderr: &str) {
        let run = self.verify(words).stdout("rejected R\n").stderr(stderr);
        let run = if stderr.contains("cosign said") { run.cosigns_words_left_out() } else { run };
        run.exits(5);
    }
}
