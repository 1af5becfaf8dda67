//! The writer: what the node lists and what blocks do, turned into changes of the view.

use std::collections::{BTreeMap, HashMap, HashSet};

use electrode_coin::{OutPoint, ScriptKey, Txid};

use crate::{
    MempoolConfig, MempoolView, NewTx, Prevout, Prevouts, order::parents_first, tx::Input,
};

/// The scripts whose mempool history, heights, balance or unspent outputs may have changed.
pub type Touched = HashSet<ScriptKey>;

/// The state of the one writer.
///
/// Of the transactions that the node lists some are held, which is what a [`MempoolView`] shows.
/// The others wait until everything they spend is held or confirmed and spent by nothing held,
/// or are refused because they cannot be read.
#[derive(Debug)]
pub struct Mempool {
    config: MempoolConfig,
    view: MempoolView,
    /// Ordered, so that the same calls always lead to the same view.
    waiting: BTreeMap<Txid, NewTx>,
    refused: HashSet<Txid>,
}

impl Mempool {
    /// Starts with no transactions.
    #[must_use]
    pub fn new(config: MempoolConfig) -> Self {
        let (view, waiting) = (MempoolView::default(), BTreeMap::new());
        Self {
            config,
            view,
            waiting,
            refused: HashSet::new(),
        }
    }

    /// Takes a snapshot, which no later change reaches.
    #[must_use]
    pub fn view(&self) -> MempoolView {
        self.view.clone()
    }

    /// Gives the names of all transactions that are held or wait, in no promised order: a listing
    /// with these in addition lets none go.
    pub fn txids(&self) -> impl Iterator<Item = Txid> {
        self.view.txids().chain(self.waiting.keys()).copied()
    }

    /// Gives what has to be fetched of a listing, each once and in its order, as far as there is
    /// room for it.
    #[must_use]
    pub fn missing(&self, listing: &[Txid]) -> Vec<Txid> {
        let mut seen = HashSet::new();
        let unknown = listing.iter().filter(|txid| !self.knows(txid));
        unknown
            .filter(|txid| seen.insert(**txid))
            .take(self.room())
            .copied()
            .collect()
    }

    /// Remembers, if there is room, that a transaction cannot be read, so that it is not fetched
    /// again for as long as the node lists it.
    pub fn refuse(&mut self, txid: Txid) {
        if self.room() > 0 && !self.knows(&txid) {
            self.refused.insert(txid);
        }
    }

    /// Follows the node: lets go of what it no longer lists, and takes in what was fetched of its
    /// listing as far as everything resolves; the rest is tried again next time.
    ///
    /// What spends a transaction that was let go without a block is resolved anew. Of listed
    /// transactions that spend the same output the one already held stays until the node drops
    /// it. For an answer without gaps the listing is of a node whose tip is the index's.
    ///
    /// # Errors
    /// The confirmed outputs could not be read. The view has not changed, and `new` waits.
    ///
    /// Cost: a pass over the listing, one batched look-up, and the change.
    pub fn reconcile<P: Prevouts>(
        &mut self,
        listing: &[Txid],
        new: Vec<NewTx>,
        prevouts: &P,
    ) -> Result<Touched, P::Error> {
        let listed: HashSet<&Txid> = listing.iter().collect();
        self.refused.retain(|txid| listed.contains(txid));
        self.waiting.retain(|txid, _| listed.contains(txid));
        self.enqueue(new.into_iter().filter(|tx| listed.contains(&tx.txid)));

        let gone = self.view.txids().filter(|txid| !listed.contains(txid));
        let leaving = self.view.with_descendants(gone.copied());
        let confirmed = self.look_up(&leaving, &listed, prevouts)?;

        let mut touched = Touched::new();
        let removed = leaving
            .iter()
            .filter_map(|txid| self.view.remove(txid, &mut touched));
        self.waiting.extend(
            removed
                .filter(|tx| listed.contains(&tx.txid))
                .map(|tx| (tx.txid, tx)),
        );
        self.resolve_waiting(&confirmed, &mut touched);
        Ok(touched)
    }

    /// Follows a block that the index connected: lets go of its transactions, and of whatever
    /// conflicts with it.
    ///
    /// `spent` is every output that the block spends, those it created itself included.
    #[must_use]
    pub fn confirm(&mut self, block_txids: &[Txid], spent: &[OutPoint]) -> Touched {
        let mut touched = Touched::new();
        let mut children = HashSet::new();
        for txid in block_txids {
            self.waiting.remove(txid);
            if self.view.remove(txid, &mut touched).is_some() {
                children.extend(self.view.children(*txid));
            }
        }
        let conflicting = spent
            .iter()
            .filter_map(|outpoint| self.view.spends(outpoint));
        for txid in self.view.with_descendants(conflicting) {
            self.view.remove(&txid, &mut touched);
        }
        self.touch_settled(&children, &mut touched);
        touched
    }

    /// Follows a block that the index disconnected: what spends its transactions waits, until
    /// the node lists them as unconfirmed again or the next block confirms them.
    #[must_use]
    pub fn disconnect(&mut self, block_txids: &[Txid]) -> Touched {
        let mut touched = Touched::new();
        let orphans = block_txids
            .iter()
            .flat_map(|txid| self.view.children(*txid));
        for txid in self.view.with_descendants(orphans) {
            let removed = self.view.remove(&txid, &mut touched);
            self.waiting.extend(removed.map(|tx| (txid, tx)));
        }
        touched
    }

    fn knows(&self, txid: &Txid) -> bool {
        self.view.contains(txid) || self.waiting.contains_key(txid) || self.refused.contains(txid)
    }

    fn room(&self) -> usize {
        let taken = self.view.len() + self.waiting.len() + self.refused.len();
        self.config.max_txs.saturating_sub(taken)
    }

    fn enqueue(&mut self, new: impl Iterator<Item = NewTx>) {
        for tx in new {
            if self.room() > 0 && !self.knows(&tx.txid) {
                self.waiting.insert(tx.txid, tx);
            }
        }
    }

    /// Asks for the confirmed outputs that transactions spend which wait or are about to.
    ///
    /// What spends a listed transaction needs no look-up: it resolves once that one is held.
    fn look_up<P: Prevouts>(
        &self,
        leaving: &HashSet<Txid>,
        listed: &HashSet<&Txid>,
        prevouts: &P,
    ) -> Result<HashMap<OutPoint, Prevout>, P::Error> {
        let returning = leaving.iter().filter(|txid| listed.contains(txid));
        let returning = returning.filter_map(|txid| self.view.transaction(txid));
        let inputs = self
            .waiting
            .values()
            .flat_map(|tx| tx.inputs.iter().copied());
        let asked: Vec<OutPoint> = inputs
            .chain(returning.flat_map(|tx| tx.inputs.iter().map(|input| input.outpoint)))
            .filter(|outpoint| !listed.contains(&outpoint.txid))
            .collect();
        let answers = prevouts.prevouts(&asked)?;
        Ok(asked
            .into_iter()
            .zip(answers)
            .filter_map(|(it, answer)| Some((it, answer?)))
            .collect())
    }

    fn resolve_waiting(&mut self, confirmed: &HashMap<OutPoint, Prevout>, touched: &mut Touched) {
        for tx in parents_first(std::mem::take(&mut self.waiting)) {
            match self.resolve(&tx, confirmed) {
                Some(inputs) => self.view.insert(tx.txid, tx.resolved(inputs), touched),
                None => {
                    self.waiting.insert(tx.txid, tx);
                }
            }
        }
    }

    fn resolve(&self, tx: &NewTx, confirmed: &HashMap<OutPoint, Prevout>) -> Option<Box<[Input]>> {
        let resolve_input = |outpoint: &OutPoint| {
            if self.view.spends(outpoint).is_some() {
                return None;
            }
            let held = self.view.output(outpoint);
            let prevout = held.or_else(|| confirmed.get(outpoint).copied())?;
            Some(Input {
                outpoint: *outpoint,
                prevout,
            })
        };
        tx.inputs.iter().map(resolve_input).collect()
    }

    /// Touches the scripts of transactions whose last unconfirmed parent was confirmed.
    fn touch_settled(&self, children: &HashSet<Txid>, touched: &mut Touched) {
        let held = children
            .iter()
            .filter_map(|txid| self.view.transaction(txid));
        for tx in held.filter(|tx| !self.view.has_unconfirmed_inputs(tx)) {
            touched.extend(tx.script_keys());
        }
    }
}
