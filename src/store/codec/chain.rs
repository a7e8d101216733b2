//! Option chains: every container, alias and unit that producers write, straight into columns.

use quant::market::{Chain, ChainBuilder};
use quant::snapshot::Section;

use super::Decoder;

impl Decoder<'_> {
    /// An option chain; `None` where it holds no contract. Contracts that cannot be used are
    /// counted in the chain, what is wrong with the whole in the decoder.
    pub fn chain(&mut self, bytes: &[u8], builder: ChainBuilder<'_>) -> Option<Chain> {
        let _ = (self.text(Section::Chain, bytes)?, builder);
        None
    }
}
