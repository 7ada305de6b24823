//! A wrong password that was typed is asked for again: three times in all.

use crate::context::Context;
use crate::cosign::signing_key::SigningKey;
use crate::error::{Failure, Result};

/// How often a person is asked for one password.
const TIMES: u32 = 3;

/// Uses `signer`, again while the password that was typed for its key is wrong. A password from a
/// variable is not asked for again. `key` finds the key of the signer, if it has one.
pub(super) fn with_password<S, T>(
    signer: &mut S,
    key: fn(&mut S) -> Option<&mut SigningKey>,
    context: &Context,
    use_it: impl Fn(&S) -> Result<T>,
) -> Result<T> {
    let mut times = 1;
    loop {
        let done = use_it(signer);
        let typed = key(signer).filter(|key| key.has_typed_password());
        match (done, typed) {
            (Err(failure), Some(key)) if failure.is_wrong_password() => {
                if times == TIMES {
                    let reference = key.reference();
                    return Err(Failure::usage(format!(
                        "{reference} cannot be decrypted: wrong password, {TIMES} times"
                    ))
                    .hint("check that this is the right key, and run the command again"));
                }
                context.ask_again(key)?;
                times += 1;
            }
            (done, _) => return done,
        }
    }
}
