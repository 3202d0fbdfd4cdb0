//! Estimates of tokens, and sizes of pictures.

use super::{cuts, pieces};
use tollgate::meter::estimate::{Counter, Tokenizer, from_body, image};

pub(crate) fn check(input: &[u8]) {
    for tokenizer in Tokenizer::ALL {
        let count = |cuts: &[usize], escaped: bool| {
            let mut counter = Counter::new(*tokenizer);
            pieces(
                input,
                cuts,
                |piece| if escaped { counter.push_escaped(piece) } else { counter.push(piece) },
            );
            counter.tokens()
        };
        for cuts in cuts(input) {
            assert_eq!(count(&cuts, false), count(&[], false), "cut at {cuts:?}");
            assert_eq!(count(&cuts, true), count(&[], true), "cut at {cuts:?}");
        }
        // No byte is more than a few tokens, whatever it stands beside; a file is a picture.
        let most = 7 * input.len() as u64 + 1;
        assert!(count(&[], false) <= most);
        assert!(from_body(&input.to_vec().into(), *tokenizer) <= most.saturating_mul(2));
    }
    if let Ok(text) = std::str::from_utf8(input) {
        for tokenizer in Tokenizer::ALL {
            assert!(image::tokens(*tokenizer, Some(text), false) <= 258 * 256);
        }
    }
}
