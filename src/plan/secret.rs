//! Recognises a secret that was typed where a name, a file or a URI belongs, so that it is refused
//! without being shown.

/// The kind of secret that `value` seems to be, in words for a message; `None` for anything else.
///
/// A miss shows the value once, on the terminal where it was typed. A false alarm would refuse a
/// good file name. So only unmistakable forms are recognised.
pub(super) fn secret_in(value: &str) -> Option<&'static str> {
    if value.contains("-----BEGIN ") {
        Some("a PEM")
    } else if is_json_web_token(value) || has_token_prefix(value) {
        Some("a token")
    } else {
        None
    }
}

/// `header.payload.signature` in URL-safe base64, where the header is a JSON object: RFC 7519.
fn is_json_web_token(value: &str) -> bool {
    let parts: Vec<&str> = value.trim().split('.').collect();
    parts.len() == 3
        && parts[0].starts_with("eyJ")
        && parts
            .iter()
            .all(|part| part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'=')))
}

/// The prefixes that Vault, GitHub, GitLab and Google give to tokens so that scanners
/// can find them.
fn has_token_prefix(value: &str) -> bool {
    const PREFIXES: [&str; 9] =
        ["hvs.", "hvb.", "hvr.", "ghp_", "gho_", "ghs_", "github_pat_", "glpat-", "ya29."];
    let value = value.trim();
    value.len() >= 20 && !value.contains('/') && PREFIXES.iter().any(|prefix| value.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::secret_in;

    #[test]
    fn only_unmistakable_secrets_are_recognised() {
        for (value, kind) in [
            ("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nabc", Some("a PEM")),
            ("eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2ln", Some("a token")),
            (" eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2ln\n", Some("a token")),
            ("hvs.CAESIJ0123456789abcdef", Some("a token")),
            ("ghp_0123456789abcdef0123", Some("a token")),
            ("ghp_0123456789abcdef", Some("a token")),
            ("ghp_0123456789abcde", None),
            ("ghp_0123456789/abcdef", None),
            ("release-signing-key-2026.pub", None),
            ("hvs.key", None),
            ("eyJ.key", None),
            ("eyJ.release+signing.key", None),
            ("release.signing.key", None),
            ("keys/ghp_0123456789abcdef0123", None),
            ("cosign.key", None),
            ("awskms:///alias/release", None),
        ] {
            assert_eq!(secret_in(value), kind, "{value}");
        }
    }
}
