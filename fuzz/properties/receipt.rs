//! A receipt that is read says the same when it is written again.

use crate::report::receipt::Statement;

pub(super) fn holds(text: &[u8]) {
    if let Some(receipt) = Statement::parse(text) {
        let again = receipt.to_json();
        assert_eq!(Statement::parse(&again), Some(receipt));
    }
}
