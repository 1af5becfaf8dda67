//! A coin whose code is a plugin's.

use std::{
    borrow::Cow,
    ptr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use electrode_coin::{
    AddressError, BlockHash, Coin, CoinError, Descriptor, FamilyCoin, Height, Parsed, TxSink,
    Unspendable,
};
use electrode_plugin::{Bytes, Instance};

use crate::{
    LoadError, PluginFile, PluginInfo, Reason,
    call::Verdict,
    calls::{Calls, Question},
    library::{Plugin, Slots},
    receive::{Receiver, TxReceiver},
};

/// Longest descriptor.
const MAX_DESCRIPTOR: usize = 1 << 20;
/// Longest script, address, and list of scripts.
const MAX_SCRIPTS: usize = 1 << 20;
/// Longest header for wallets, unless the header itself is longer.
const MAX_HEADER: usize = 1 << 20;

/// What the configuration asks a plugin for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The coin; case does not matter.
    pub coin: &'a str,
    /// The net; case does not matter.
    pub net: &'a str,
    /// What the operator says to the plugin, as TOML.
    pub options: &'a str,
    /// How long a call may take before the log says that it does not return.
    pub call_limit: Duration,
}

impl<'a> Wanted<'a> {
    /// Asks for a coin and net, without options.
    #[must_use]
    pub const fn new(coin: &'a str, net: &'a str) -> Self {
        Self {
            coin,
            net,
            options: "",
            call_limit: Duration::from_secs(10),
        }
    }
}

/// A coin whose code is a plugin's.
///
/// Every answer is checked as far as that is possible. After a panic, an answer that means
/// nothing, or transactions that do not tile their block, the coin is broken: it answers every
/// call with [`CoinError::Plugin`], so that no block is skipped.
#[derive(Debug)]
pub struct ForeignCoin {
    info: PluginInfo,
    slots: Slots,
    instance: Instance,
    family: FamilyCoin,
    pub(crate) broken: OnceLock<String>,
    pub(crate) calls: Arc<Calls>,
}

// SAFETY: the border asks of every slot but `create` and `destroy` that any thread can call it at
// any time; those two are called once, by the first and the last owner.
unsafe impl Send for ForeignCoin {}
// SAFETY: as above.
unsafe impl Sync for ForeignCoin {}

/// Loads a plugin, makes the coin and tries it on its own examples.
///
/// # Errors
/// It fails a step of the ladder.
pub fn load(file: &PluginFile, wanted: Wanted<'_>) -> Result<ForeignCoin, LoadError> {
    Plugin::open(file)?.make(wanted)
}

impl Plugin {
    /// Makes the coin and tries it on its own examples.
    ///
    /// # Errors
    /// It fails a later step of the ladder.
    pub fn make(&self, wanted: Wanted<'_>) -> Result<ForeignCoin, LoadError> {
        ForeignCoin::create(self, wanted).map_err(|reason| self.file.refused(reason))
    }
}

impl ForeignCoin {
    /// Tells which plugin this is.
    #[must_use]
    pub fn info(&self) -> &PluginInfo {
        &self.info
    }

    fn create(plugin: &Plugin, wanted: Wanted<'_>) -> Result<Self, Reason> {
        let name = plugin.info.path.display().to_string();
        let mut coin = Self {
            info: plugin.info.clone(),
            slots: plugin.slots,
            instance: ptr::null_mut(),
            family: FamilyCoin::new(Descriptor::default()),
            broken: OnceLock::new(),
            calls: Calls::watched(name, wanted.call_limit),
        };
        coin.instance = coin.make(wanted)?;
        let descriptor = coin.describe()?;
        check_identity(&descriptor, wanted)?;
        coin.family = FamilyCoin::new(descriptor);
        let tried = coin.descriptor().vectors.check(&coin);
        coin.trust().map_err(Reason::from)?;
        tried?;
        Ok(coin)
    }

    fn make(&self, wanted: Wanted<'_>) -> Result<Instance, Reason> {
        let net = wanted.net.to_ascii_lowercase();
        let net = Bytes::from(net.as_bytes());
        let options = Bytes::from(wanted.options.as_bytes());
        let mut instance = ptr::null_mut();
        let verdict = self.call(Question::of("create"), |error| {
            // SAFETY: what is handed in lives for the call, and the table is the plugin's.
            unsafe { (self.slots.create)(net, options, &raw mut instance, error) }
        });
        match verdict {
            Ok(Verdict::Done) => Ok(instance),
            Ok(other) => Err(Reason::from(self.meaningless("create", other))),
            Err(CoinError::Refused { reason }) => Err(Reason::Create(reason)),
            Err(error) => Err(Reason::from(error)),
        }
    }

    fn describe(&self) -> Result<Descriptor, Reason> {
        let text = self.bytes(Question::of("describe"), MAX_DESCRIPTOR, |out, error| {
            // SAFETY: the instance is the plugin's, what is handed in lives for the call.
            unsafe { (self.slots.describe)(self.instance, out, error) }
        })?;
        let text = text.ok_or_else(|| self.meaningless("describe", Verdict::ByDescriptor))?;
        Ok(Descriptor::from_toml(&String::from_utf8_lossy(&text))?)
    }
}

impl Coin for ForeignCoin {
    fn descriptor(&self) -> &Descriptor {
        self.family.descriptor()
    }

    fn header_len(&self, height: Height, block: &[u8]) -> Result<usize, CoinError> {
        let mut len = 0;
        let verdict = self.call(Question::at("header_len", height), |error| {
            let place = &raw mut len;
            // SAFETY: the instance is the plugin's, what is handed in lives for the call.
            unsafe { (self.slots.header_len)(self.instance, height.0, block.into(), place, error) }
        })?;
        match verdict {
            Verdict::Done if len <= block.len() => Ok(len),
            Verdict::Done => Err(self.break_down(format!(
                "header_len gives {len} bytes of a block of {}",
                block.len()
            ))),
            Verdict::ByDescriptor => self.family.header_len(height, block),
            other => Err(self.meaningless("header_len", other)),
        }
    }

    fn header_hash(&self, height: Height, header: &[u8]) -> Result<Option<BlockHash>, CoinError> {
        let mut hash = [0; 32];
        let verdict = self.call(Question::at("header_hash", height), |error| {
            let place = &raw mut hash;
            // SAFETY: the instance is the plugin's, what is handed in lives for the call.
            unsafe {
                (self.slots.header_hash)(self.instance, height.0, header.into(), place, error)
            }
        })?;
        match verdict {
            Verdict::Done => Ok(Some(BlockHash(hash))),
            Verdict::AskNode => Ok(None),
            Verdict::ByDescriptor => self.family.header_hash(height, header),
            other => Err(self.meaningless("header_hash", other)),
        }
    }

    fn header_prev(&self, header: &[u8]) -> Result<BlockHash, CoinError> {
        let mut prev = [0; 32];
        let verdict = self.call(Question::of("header_prev"), |error| {
            let place = &raw mut prev;
            // SAFETY: the instance is the plugin's, what is handed in lives for the call.
            unsafe { (self.slots.header_prev)(self.instance, header.into(), place, error) }
        })?;
        match verdict {
            Verdict::Done => Ok(BlockHash(prev)),
            Verdict::ByDescriptor => self.family.header_prev(header),
            other => Err(self.meaningless("header_prev", other)),
        }
    }

    fn client_header<'a>(&self, height: Height, header: &'a [u8]) -> Cow<'a, [u8]> {
        let limit = header.len().max(MAX_HEADER);
        let question = Question::at("client_header", height);
        let cut = self.bytes(question, limit, |out, error| {
            // SAFETY: the instance is the plugin's, what is handed in lives for the call.
            unsafe {
                (self.slots.client_header)(self.instance, height.0, header.into(), out, error)
            }
        });
        match cut {
            Ok(Some(cut)) => Cow::Owned(cut),
            Ok(None) | Err(_) => self.family.client_header(height, header),
        }
    }

    fn parse_block(
        &self,
        height: Height,
        block: &[u8],
        sink: &mut dyn TxSink,
    ) -> Result<(), CoinError> {
        let mut receiver = TxReceiver::new(block.len(), sink);
        let raw_sink = receiver.sink();
        let verdict = self.call(Question::at("parse_block", height), |error| {
            let sink = &raw const raw_sink;
            // SAFETY: the instance is the plugin's, what is handed in lives for the call.
            unsafe { (self.slots.parse_block)(self.instance, height.0, block.into(), sink, error) }
        });
        if self.settle("parse_block", std::mem::take(&mut receiver.halt))? {
            return Err(CoinError::Stopped);
        }
        match verdict? {
            Verdict::Done => Ok(()),
            Verdict::ByDescriptor if receiver.taker.count == 0 => {
                self.family.parse_block(height, block, sink)
            }
            other => Err(self.meaningless("parse_block", other)),
        }?;
        // What the sink asked this coin for meanwhile may have broken it.
        self.trust()
    }

    fn parse_tx(&self, raw: &[u8], sink: &mut dyn TxSink) -> Result<Parsed, CoinError> {
        let mut receiver = TxReceiver::new(raw.len(), sink);
        let raw_sink = receiver.sink();
        let verdict = self.call(Question::of("parse_tx"), |error| {
            let sink = &raw const raw_sink;
            // SAFETY: the instance is the plugin's, what is handed in lives for the call.
            unsafe { (self.slots.parse_tx)(self.instance, raw.into(), sink, error) }
        });
        if self.settle("parse_tx", std::mem::take(&mut receiver.halt))? {
            return Err(CoinError::Stopped);
        }
        match (verdict?, receiver.taker.count) {
            (Verdict::Done, 1) => Ok(Parsed::Tx),
            (Verdict::Skipped, 0) => Ok(Parsed::Skip("the plugin has nothing to index in it")),
            (Verdict::ByDescriptor, 0) => self.family.parse_tx(raw, sink),
            (other, count) => Err(self.break_down(format!(
                "parse_tx answers {other:?} and hands out {count} transactions"
            ))),
        }
    }

    fn index_scripts(&self, script: &[u8], out: &mut dyn FnMut(&[u8])) {
        if self.descriptor().unspendable != Unspendable::Custom {
            return self.family.index_scripts(script, out);
        }
        let mut receiver = Receiver::new(MAX_SCRIPTS, out);
        let scripts = receiver.out();
        let verdict = self.call(Question::of("index_scripts"), |error| {
            let out = &raw const scripts;
            // SAFETY: the instance is the plugin's, what is handed in lives for the call.
            unsafe { (self.slots.index_scripts)(self.instance, script.into(), out, error) }
        });
        let halt = receiver.halt;
        let settled = self.settle("index_scripts", halt);
        match settled.and(verdict) {
            Ok(Verdict::Done) => {}
            Ok(Verdict::ByDescriptor) => self.family.index_scripts(script, out),
            Ok(other) => drop(self.meaningless("index_scripts", other)),
            // There is no script that this could stand for.
            Err(error) => drop(self.break_down(format!("index_scripts: {error}"))),
        }
    }

    fn health(&self) -> Result<(), CoinError> {
        self.trust()
    }

    fn stalled(&self) -> Option<String> {
        let (question, since) = self.calls.overdue()?;
        Some(format!(
            "{question} of plugin {}, which has been running for {} s",
            self.info.path.display(),
            since.as_secs()
        ))
    }

    fn address_to_script(&self, address: &str) -> Result<Vec<u8>, AddressError> {
        let question = Question::of("address_to_script");
        let script = self.bytes(question, MAX_SCRIPTS, |out, error| {
            let address = address.as_bytes().into();
            // SAFETY: the instance is the plugin's, what is handed in lives for the call.
            unsafe { (self.slots.address_to_script)(self.instance, address, out, error) }
        });
        match script {
            Ok(Some(script)) => Ok(script),
            Ok(None) => self.family.address_to_script(address),
            Err(error) => Err(AddressError::Refused {
                reason: error.to_string(),
            }),
        }
    }

    fn script_to_address(&self, script: &[u8]) -> Option<String> {
        let question = Question::of("script_to_address");
        let address = self.bytes(question, MAX_SCRIPTS, |out, error| {
            // SAFETY: the instance is the plugin's, what is handed in lives for the call.
            unsafe { (self.slots.script_to_address)(self.instance, script.into(), out, error) }
        });
        match address {
            Ok(Some(address)) if address.is_empty() => None,
            Ok(Some(address)) => String::from_utf8(address).ok(),
            Ok(None) => self.family.script_to_address(script),
            Err(_) => None,
        }
    }
}

impl Drop for ForeignCoin {
    /// Leaves an instance that broke down alone: nobody knows what state it is in.
    fn drop(&mut self) {
        if self.broken.get().is_none() && !self.instance.is_null() {
            // SAFETY: nobody else has the instance any more.
            unsafe { (self.slots.destroy)(self.instance) };
        }
    }
}

impl From<CoinError> for Reason {
    fn from(error: CoinError) -> Self {
        match error {
            CoinError::Plugin { reason } => Self::Broken(reason),
            error => Self::Broken(error.to_string()),
        }
    }
}

fn check_identity(descriptor: &Descriptor, wanted: Wanted<'_>) -> Result<(), Reason> {
    let is_coin = descriptor.coin.eq_ignore_ascii_case(wanted.coin);
    if is_coin && descriptor.net.eq_ignore_ascii_case(wanted.net) {
        return Ok(());
    }
    Err(Reason::Identity {
        found: format!("{} {}", descriptor.coin, descriptor.net),
        expected: format!("{} {}", wanted.coin, wanted.net),
    })
}
