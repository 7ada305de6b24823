//! An identity token: a JSON Web Token (RFC 7519) in which an OIDC issuer states who somebody is. Its
//! signature is the certificate authority's to check. Here it is told from other files, and read for the
//! reason why it may have been refused, which the authority keeps to itself. Pure.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;

use crate::printable::show;

/// The largest file in which a token is looked for, in bytes. Real ones have some 1,000.
pub(crate) const SIZE_LIMIT: u64 = 1 << 16;

/// Who a token has to be for, unless another client ID is named.
pub(crate) const AUDIENCE: &str = "sigstore";

/// An identity token. A secret: who has it can sign as that identity until it expires.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct IdentityToken {
    text: String,
    claims: Claims,
}

/// What a token states, as far as it tells whose it is or why it was refused (RFC 7519, 4.1).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Claims {
    iss: Option<String>,
    sub: Option<String>,
    email: Option<String>,
    // Some issuers write it as a string.
    email_verified: Option<Value>,
    aud: Option<Audience>,
    exp: Option<NumericDate>,
    nbf: Option<NumericDate>,
    /// What names a workflow of GitHub's and of GitLab's.
    job_workflow_ref: Option<String>,
    ci_config_ref_uri: Option<String>,
}

/// Seconds since 1970, perhaps with a fraction.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
struct NumericDate(f64);

impl Eq for NumericDate {}

impl NumericDate {
    #[expect(clippy::cast_possible_truncation, reason = "what is beyond is bounded, as far as anybody cares")]
    fn seconds(self) -> i64 {
        self.0.floor() as i64
    }
}

/// One recipient, or several.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl IdentityToken {
    /// Reads a token. White space around it, such as a newline at its end, is no part of it: cosign would
    /// fail with it. The error is the end of a sentence, and shows nothing of the text.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, &'static str> {
        let text = std::str::from_utf8(text.trim_ascii()).map_err(|_| "holds no identity token")?;
        if text.is_empty() {
            return Err("is empty");
        }
        let parts: Result<Vec<_>, _> = text.split('.').map(|part| URL_SAFE_NO_PAD.decode(part)).collect();
        let Ok([_, payload, _]) = parts.as_deref() else { return Err("holds no identity token") };
        let claims = serde_json::from_slice(payload).map_err(|_| "holds no identity token")?;
        Ok(Self { text: text.to_owned(), claims })
    }

    /// The token itself.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Why nobody would take it at `now`, in seconds since 1970: a sentence.
    pub(crate) fn fault_in_itself(&self, now: i64) -> Option<String> {
        let Claims { sub, email, email_verified, exp, nbf, .. } = &self.claims;
        let [exp, nbf] = [exp, nbf].map(|moment| moment.map(NumericDate::seconds));
        if let Some(exp) = exp.filter(|exp| *exp <= now) {
            let ago = now.saturating_sub(exp);
            return Some(format!("the token expired {ago} seconds ago: get a new one"));
        }
        if let Some(nbf) = nbf.filter(|nbf| *nbf > now) {
            return Some(format!(
                "the token counts only in {} seconds: check the clocks of this machine and of its issuer",
                nbf.saturating_sub(now)
            ));
        }
        let [sub, email] = [sub, email].map(|name| name.as_deref().filter(|name| !name.is_empty()));
        let is_verified = [Value::Bool(true), Value::from("true")].map(Some).contains(email_verified);
        match (sub, email) {
            (_, Some(_)) if !is_verified => {
                Some("the token's issuer has not verified the e-mail address in it".to_owned())
            }
            (None, None) => {
                Some("the token names nobody: it has neither a subject nor an e-mail address".to_owned())
            }
            _ => None,
        }
    }

    /// The same, and why not for `audience`.
    pub(crate) fn fault(&self, now: i64, audience: &str) -> Option<String> {
        let fault_of_audience = || {
            let for_whom = match &self.claims.aud {
                None => &[][..],
                Some(Audience::One(name)) => std::slice::from_ref(name),
                Some(Audience::Several(names)) => names,
            };
            if for_whom.iter().any(|name| name == audience) {
                return None;
            }
            let for_whom = match for_whom {
                [] => "nobody".to_owned(),
                names => names.iter().map(|name| format!("`{}`", show(name))).collect::<Vec<_>>().join(", "),
            };
            Some(format!("the token is for {for_whom}, and has to be for `{}`", show(audience)))
        };
        self.fault_in_itself(now).or_else(fault_of_audience)
    }

    /// Who made it, by its own account.
    pub(crate) fn issuer(&self) -> Option<&str> {
        self.claims.iss.as_deref()
    }

    /// Whether it is of somebody of this name, for whom this issuer vouches: an e-mail address, a subject,
    /// or what Fulcio makes of a workflow of GitHub's or GitLab's.
    pub(crate) fn is_of(&self, identity: &str, issuer: &str) -> bool {
        let Claims { iss, sub, email, job_workflow_ref, ci_config_ref_uri, .. } = &self.claims;
        let is = |name: &Option<String>| name.as_deref() == Some(identity);
        let ends = |path: &Option<String>| {
            let name = identity.strip_prefix("https://");
            let on_a_host = |path: &String| {
                name.is_some_and(|name| name.split_once('/').is_some_and(|(_, rest)| rest == path))
            };
            path.as_ref().is_some_and(on_a_host)
        };
        let with_host =
            ci_config_ref_uri.as_deref().is_some_and(|uri| identity.strip_prefix("https://") == Some(uri));
        iss.as_deref() == Some(issuer) && (is(sub) || is(email) || ends(job_workflow_ref) || with_host)
    }
}

/// Never shows the token.
impl std::fmt::Debug for IdentityToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IdentityToken").field("claims", &self.claims).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> String {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.{}", part(r#"{"alg":"RS256"}"#), part(claims), part("signature"))
    }

    #[test]
    fn white_space_around_a_token_is_no_part_of_it() {
        let text = token(r#"{"aud":"sigstore","exp":100}"#);
        let read = IdentityToken::parse(format!(" {text}\r\n").as_bytes()).unwrap();
        assert_eq!(read.text(), text);
        assert!(!format!("{read:?}").contains(&text));
    }

    #[test]
    fn a_token_is_of_its_subject_and_of_its_address() {
        let text = token(
            r#"{"iss":"https://id.example","sub":"dev","email":"dev@example.test","job_workflow_ref":"o/r/.github/workflows/w.yml@refs/heads/main","ci_config_ref_uri":"gitlab.example/g/p//.gitlab-ci.yml@refs/heads/main"}"#,
        );
        let read = IdentityToken::parse(text.as_bytes()).unwrap();
        for (identity, issuer, is) in [
            ("https://github.com/o/r/.github/workflows/w.yml@refs/heads/main", "https://id.example", true),
            ("https://github.com/x/o/r/.github/workflows/w.yml@refs/heads/main", "https://id.example", false),
            ("https://gitlab.example/g/p//.gitlab-ci.yml@refs/heads/main", "https://id.example", true),
            ("dev", "https://id.example", true),
            ("dev@example.test", "https://id.example", true),
            ("other", "https://id.example", false),
            ("dev", "https://other.example", false),
        ] {
            assert_eq!(read.is_of(identity, issuer), is, "{identity} {issuer}");
        }
    }

    #[test]
    fn everything_else_is_no_token() {
        let none = "holds no identity token";
        let cut = token("{");
        for (text, why) in [
            ("", "is empty"),
            ("\n", "is empty"),
            ("a.b", none),
            ("a.b.c.d", none),
            ("a.!.c", none),
            ("!.e30.e30", none),
            ("e30.e30.!", none),
            (cut.as_str(), none),
            ("\u{fffd}.e30.c\u{fffd}.", none),
            ("e30\nHost: x.e30.e30", none),
            ("e30.e30.e30=", none),
        ] {
            assert_eq!(IdentityToken::parse(text.as_bytes()).unwrap_err(), why, "{text}");
        }
        assert_eq!(IdentityToken::parse(b"\xff").unwrap_err(), none);
    }

    #[test]
    fn what_is_wrong_with_a_token_is_told() {
        const UNVERIFIED: Option<&str> = Some("the token's issuer has not verified the e-mail address in it");
        for (claims, fault) in [
            (r#"{"aud":"sigstore","exp":101,"nbf":100,"sub":"dev"}"#, None),
            (r#"{"aud":["other","sigstore"],"exp":101,"sub":"dev"}"#, None),
            (r#"{"aud":"sigstore","email":"dev@example.test","email_verified":true}"#, None),
            (r#"{"aud":"sigstore","email":"dev@example.test","email_verified":"true"}"#, None),
            (
                r#"{"aud":"sigstore","email":"dev@example.test","email_verified":false,"sub":"dev"}"#,
                UNVERIFIED,
            ),
            (r#"{"aud":"sigstore","email":"dev@example.test"}"#, UNVERIFIED),
            (
                r#"{"aud":"sigstore","email":""}"#,
                Some("the token names nobody: it has neither a subject nor an e-mail address"),
            ),
            (
                r#"{"aud":"sigstore","sub":"dev","exp":100.5}"#,
                Some("the token expired 0 seconds ago: get a new one"),
            ),
            (r#"{"aud":"sigstore","exp":40}"#, Some("the token expired 60 seconds ago: get a new one")),
            (
                r#"{"exp":-9223372036854775808}"#,
                Some("the token expired 9223372036854775807 seconds ago: get a new one"),
            ),
            (
                r#"{"aud":"sigstore","exp":200,"nbf":130}"#,
                Some(
                    "the token counts only in 30 seconds: check the clocks of this machine and of its issuer",
                ),
            ),
            (
                r#"{"aud":["a","b\n"],"exp":200,"sub":"dev"}"#,
                Some(r"the token is for `a`, `b\u{a}`, and has to be for `sigstore`"),
            ),
            (r#"{"exp":200,"sub":"dev"}"#, Some("the token is for nobody, and has to be for `sigstore`")),
        ] {
            let read = IdentityToken::parse(token(claims).as_bytes()).unwrap();
            assert_eq!(read.fault(100, AUDIENCE).as_deref(), fault, "{claims}");
        }
    }
}
