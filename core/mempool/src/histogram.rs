//! How many vbytes wait at which feerate, and the summary of it that wallets read.

use imbl::OrdMap;

use crate::Tx;

/// Units: feerates are told apart by tenths of a satoshi per vbyte.
const STEPS_PER_SAT: u8 = 10;
/// Vbytes that the first bin has to exceed before the next begins.
const FIRST_BIN: f64 = 30_000.0;
/// How much larger each bin is than the one before.
const BIN_GROWTH: f64 = 1.1;

/// Vbytes by feerate in steps, rounded down.
#[derive(Clone, Debug, Default)]
pub(crate) struct FeeRates(OrdMap<u64, u64>);

impl FeeRates {
    pub(crate) fn add(&mut self, tx: &Tx) {
        let vsize = self.0.entry(steps(tx)).or_default();
        *vsize = vsize.saturating_add(tx.vsize);
    }

    pub(crate) fn remove(&mut self, tx: &Tx) {
        let rate = steps(tx);
        let left = self
            .0
            .get(&rate)
            .map_or(0, |vsize| vsize.saturating_sub(tx.vsize));
        if left == 0 {
            self.0.remove(&rate);
        } else {
            self.0.insert(rate, left);
        }
    }

    /// Summarises from the highest feerate down.
    ///
    /// Units: (satoshis per vbyte, vbytes at that feerate and up to the bin before).
    pub(crate) fn histogram(&self) -> Vec<(f64, u64)> {
        let rates = self.0.iter().rev().map(|(rate, vsize)| (*rate, *vsize));
        bins(rates, FIRST_BIN)
            .into_iter()
            // cast: JSON has no wider number, and a feerate past 2^53 only loses its last digits
            .map(|(rate, vsize)| (rate as f64 / f64::from(STEPS_PER_SAT), vsize))
            .collect()
    }
}

fn steps(tx: &Tx) -> u64 {
    let steps = u128::from(tx.fee.0) * u128::from(STEPS_PER_SAT) / u128::from(tx.vsize.max(1));
    u64::try_from(steps).unwrap_or(u64::MAX)
}

/// Fills bins from descending feerates; each bin is named by the lowest feerate in it.
///
/// A feerate that alone would fill two bins first closes the running one, so that it does not
/// drag the better paying transactions before it down to its own rate. What is left in the last
/// bin is left out: at the bottom of the mempool there is no feerate to recommend.
/// Source: ElectrumX, which wallets are tuned to.
fn bins(rates: impl Iterator<Item = (u64, u64)>, first_bin: f64) -> Vec<(u64, u64)> {
    let mut bins = Vec::new();
    let mut bin_len = first_bin;
    let mut running: Option<(u64, u64)> = None;
    for (rate, vsize) in rates {
        if exceeds(vsize, 2.0 * bin_len)
            && let Some(bin) = running.take()
        {
            bins.push(bin);
            bin_len *= BIN_GROWTH;
        }
        let total = running.map_or(0, |(_, vsize)| vsize).saturating_add(vsize);
        running = Some((rate, total));
        if exceeds(total, bin_len) {
            bins.extend(running.take());
            bin_len *= BIN_GROWTH;
        }
    }
    bins
}

fn exceeds(vsize: u64, bin_len: f64) -> bool {
    // cast: exact below 2^53 vbytes, and no bin comes near that
    vsize as f64 > bin_len
}

#[cfg(test)]
mod tests {
    use electrode_coin::Sats;

    use super::*;

    const K: u64 = 1_000;

    fn check(rates: &[(u64, u64)], first_bin: f64, expected: &[(u64, u64)]) {
        assert_eq!(bins(rates.iter().copied(), first_bin), expected);
    }

    #[test]
    fn closes_the_running_bin_before_a_lump() {
        let rates = [
            (22, K),
            (21, 75 * K),
            (20, K),
            (19, K),
            (18, 900 * K),
            (17, K),
            (16, K),
            (15, K),
            (14, K),
            (13, K),
            (12, 10_000 * K),
            (11, K),
            (10, 100 * K),
        ];
        check(
            &rates,
            100_000.0,
            &[(19, 78 * K), (18, 900 * K), (13, 5 * K), (12, 10_000 * K)],
        );
        check(
            &rates,
            30_000.0,
            &[
                (22, K),
                (21, 75 * K),
                (19, 2 * K),
                (18, 900 * K),
                (13, 5 * K),
                (12, 10_000 * K),
                (10, 101 * K),
            ],
        );
    }

    #[test]
    fn grows_bins_by_a_tenth_and_leaves_out_the_unfilled_last() {
        // The first bin ends above 30,000, the second above 33,000, the third above 36,300.
        let rates: Vec<_> = (1..=100).rev().map(|rate| (rate, K)).collect();
        check(&rates, FIRST_BIN, &[(70, 31 * K), (36, 34 * K)]);
        check(&[(5, 30 * K)], FIRST_BIN, &[]);
        check(&[(5, 30 * K + 1)], FIRST_BIN, &[(5, 30 * K + 1)]);
        check(&[], FIRST_BIN, &[]);
    }

    #[test]
    fn rounds_feerates_down_and_forgets_what_left() {
        let tx = |fee, vsize| Tx {
            fee: Sats(fee),
            vsize,
            inputs: [].into(),
            outputs: [].into(),
            further: [].into(),
        };
        let mut rates = FeeRates::default();
        let kept = [tx(79_999, 40_000), tx(u64::MAX, 70_000)];
        let left = [tx(40_000, 40_000), tx(79_999, 40_000), tx(u64::MAX, 0)];
        kept.iter().chain(&left).for_each(|tx| rates.add(tx));
        left.iter().for_each(|tx| rates.remove(tx));
        // 2^64 / 70,000, rounded down to tenths.
        assert_eq!(
            rates.histogram(),
            [(263_524_915_338_707.8, 70_000), (1.9, 40_000)]
        );
    }
}
