//! The nodes in turn: one is current, the others wait for it to fail.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{DaemonError, DaemonUrl, habits::Habits};

/// The nodes, at least one.
#[derive(Debug)]
pub(crate) struct Nodes(Mutex<State>);

/// One node.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) url: DaemonUrl,
    pub(crate) habits: Habits,
}

#[derive(Debug)]
struct State {
    nodes: Vec<Arc<Node>>,
    /// Counts up; its remainder by the number of nodes is the current one.
    turn: usize,
}

/// Which turn a request was sent in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn(usize);

impl Nodes {
    pub(crate) fn new(urls: Vec<DaemonUrl>) -> Result<Self, DaemonError> {
        Ok(Self(Mutex::new(State {
            nodes: nodes(urls)?,
            turn: 0,
        })))
    }

    /// Takes other nodes in the place of all; the first of them is current.
    pub(crate) fn replace(&self, urls: Vec<DaemonUrl>) -> Result<(), DaemonError> {
        let nodes = nodes(urls)?;
        let mut state = self.lock();
        // A new turn, so that no request to an old node passes on from a new one.
        let next = state.turn.wrapping_add(1);
        state.turn = next.wrapping_add(nodes.len() - next % nodes.len());
        state.nodes = nodes;
        Ok(())
    }

    pub(crate) fn count(&self) -> usize {
        self.lock().nodes.len()
    }

    /// Gives the current node.
    pub(crate) fn current(&self) -> (Turn, Arc<Node>) {
        let state = self.lock();
        (Turn(state.turn), state.current())
    }

    /// Passes on to the next node, unless another request has done so since `turn`.
    pub(crate) fn pass(&self, Turn(turn): Turn) {
        let mut state = self.lock();
        if state.turn != turn {
            return;
        }
        state.turn = turn.wrapping_add(1);
        if state.nodes.len() > 1 {
            tracing::warn!("passing on to the node at {}", state.current().url);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics half-way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn current(&self) -> Arc<Node> {
        let node = self.nodes.get(self.turn % self.nodes.len());
        Arc::clone(node.expect("a remainder is less than its divisor"))
    }
}

fn nodes(urls: Vec<DaemonUrl>) -> Result<Vec<Arc<Node>>, DaemonError> {
    if urls.is_empty() {
        return Err(DaemonError::NoUrl);
    }
    let node = |url| {
        Arc::new(Node {
            url,
            habits: Habits::default(),
        })
    };
    Ok(urls.into_iter().map(node).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(hosts: &[&str]) -> Vec<DaemonUrl> {
        let url = |host: &&str| DaemonUrl::parse(host, 1).unwrap();
        hosts.iter().map(url).collect()
    }

    fn current(nodes: &Nodes) -> String {
        nodes.current().1.url.to_string()
    }

    #[test]
    fn starts_with_the_first_of_other_nodes_whatever_the_turn() {
        for passes in 0..7 {
            let nodes = Nodes::new(urls(&["a", "b"])).unwrap();
            (0..passes).for_each(|_| nodes.pass(nodes.current().0));
            let (old_turn, _) = nodes.current();
            nodes.replace(urls(&["c", "d", "e"])).unwrap();
            assert_eq!(current(&nodes), "http://c:1/");
            nodes.pass(old_turn);
            assert_eq!(current(&nodes), "http://c:1/");
            nodes.pass(nodes.current().0);
            assert_eq!(current(&nodes), "http://d:1/");
        }
    }

    #[test]
    fn keeps_its_nodes_when_there_are_no_others() {
        let nodes = Nodes::new(urls(&["a"])).unwrap();
        assert!(matches!(nodes.replace(Vec::new()), Err(DaemonError::NoUrl)));
        assert_eq!(current(&nodes), "http://a:1/");
    }
}
