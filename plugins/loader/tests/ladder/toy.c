/* A coin in C, for tests: its own block format, everything else by descriptor.
 *
 * Block: header (80) | transactions (1) | for each: txid (32), value (8, LE), script length (1),
 * script. The hash of a block is the first 32 bytes of its header with every bit flipped.
 * Defining one of the names below makes it one that the server must refuse or survive. */
#include "electrode_coin.h"

#include <string.h>

#ifndef MAGIC
#define MAGIC ELECTRODE_MAGIC
#endif
#ifndef MAJOR
#define MAJOR ELECTRODE_ABI_MAJOR
#endif
#ifndef FEATURES
#define FEATURES 0
#endif
#ifndef VTABLE_SIZE
#define VTABLE_SIZE sizeof(electrode_vtable)
#endif
#ifndef HEADER_SIZE
#define HEADER_SIZE sizeof(electrode_header)
#endif
#ifndef PARSE_BLOCK
#define PARSE_BLOCK parse_block
#endif
#ifndef HEADER_HASH
#define HEADER_HASH header_hash
#endif
#ifndef NET
#define NET "regtest"
#endif
#ifndef GENESIS
#define GENESIS "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
#endif
#ifndef EXAMPLE
#define EXAMPLE "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
#endif
#ifndef COIN
#define COIN "Toy"
#endif

#define ZEROS "00000000000000000000000000000000000000000000000000000000000000000000000000000000"

static const char DESCRIPTOR[] =
    "schema = 1\n"
    "coin = \"" COIN "\"\n"
    "net = \"" NET "\"\n"
    "chain = \"toy\"\n"
    "genesis_hash = \"" GENESIS "\"\n"
    "rpc_port = 1\n"
    "merkle_tree = \"unknown\"\n"
    "header_hash = \"custom\"\n"
    "transactions = \"custom\"\n"
    "unspendable = \"custom\"\n"
    "[addresses]\n"
    "p2pkh = [0x42]\n"
    "p2sh = [0x24]\n"
    "[[vectors.headers]]\n"
    "height = 0\n"
    "header = \"" ZEROS ZEROS "\"\n"
    "hash = \"" EXAMPLE "\"\n";

static int32_t say(const electrode_out *out, const char *text, int32_t status) {
    out->write(out->ctx, (const uint8_t *)text, strlen(text));
    return status;
}

static int32_t create(electrode_bytes net, electrode_bytes options, electrode_instance *instance,
                      const electrode_out *error) {
    static int nothing;
#ifdef REFUSE_OPTIONS
    if (options.len > 0) return say(error, "toy takes no options", ELECTRODE_MALFORMED);
#endif
    (void)options;
    if (net.len != 7 || memcmp(net.ptr, "regtest", 7) != 0)
        return say(error, "toy has regtest only", ELECTRODE_MALFORMED);
    *instance = &nothing;
    return ELECTRODE_OK;
}

static void destroy(electrode_instance self) { (void)self; }

static int32_t describe(electrode_instance self, const electrode_out *out,
                        const electrode_out *error) {
    (void)self, (void)error;
    return say(out, DESCRIPTOR, ELECTRODE_OK);
}

static int32_t header_len(electrode_instance self, uint32_t height, electrode_bytes block,
                          size_t *len, const electrode_out *error) {
    (void)self, (void)height, (void)block, (void)len, (void)error;
    return ELECTRODE_BY_DESCRIPTOR;
}

static int32_t header_hash(electrode_instance self, uint32_t height, electrode_bytes header,
                           uint8_t hash[32], const electrode_out *error) {
    (void)self, (void)height;
    if (header.len < 32) return say(error, "malformed header at byte 0", ELECTRODE_MALFORMED);
    for (int i = 0; i < 32; i++) hash[i] = ~header.ptr[i];
    return ELECTRODE_OK;
}

/* Breaks down. */
static inline int32_t panics(electrode_instance self, uint32_t height, electrode_bytes header,
                             uint8_t hash[32], const electrode_out *error) {
    (void)self, (void)height, (void)header, (void)hash;
    return say(error, "ouch", ELECTRODE_PANIC);
}

static int32_t header_prev(electrode_instance self, electrode_bytes header, uint8_t hash[32],
                           const electrode_out *error) {
    (void)self, (void)header, (void)hash, (void)error;
    return ELECTRODE_BY_DESCRIPTOR;
}

static int32_t client_header(electrode_instance self, uint32_t height, electrode_bytes header,
                             const electrode_out *out, const electrode_out *error) {
    (void)self, (void)height, (void)header, (void)out, (void)error;
    return ELECTRODE_BY_DESCRIPTOR;
}

static const electrode_outpoint NO_INPUTS[1];
static const electrode_output NO_OUTPUTS[1];

/* Hands over the transaction at `at`; gives where the next starts, 0 if there is none. */
static size_t take(electrode_bytes bytes, size_t at, const electrode_sink *sink, int32_t *status) {
    if (bytes.len - at < 41 || bytes.len - at - 41 < bytes.ptr[at + 40]) {
        *status = ELECTRODE_MALFORMED;
        return 0;
    }
    electrode_outpoint input = {{0}, 0xffffffff};
    electrode_output output = {0, {bytes.ptr + at + 41, bytes.ptr[at + 40]}};
    for (int i = 7; i >= 0; i--) output.value = output.value << 8 | bytes.ptr[at + 32 + i];
    size_t len = 41 + output.script.len;
    electrode_tx tx = {{0}, at, len, len, &input, 1, &output, 1};
    memcpy(tx.txid, bytes.ptr + at, sizeof tx.txid);
    if (sink->emit(sink->ctx, &tx) != ELECTRODE_CONTINUE) {
        *status = ELECTRODE_STOPPED;
        return 0;
    }
    return at + len;
}

static int32_t parse_block(electrode_instance self, uint32_t height, electrode_bytes block,
                           const electrode_sink *sink, const electrode_out *error) {
    (void)self, (void)height;
    int32_t status = ELECTRODE_OK;
    if (block.len < 81) return say(error, "malformed block at byte 0", ELECTRODE_MALFORMED);
    size_t at = 81;
    for (int left = block.ptr[80]; left > 0 && status == ELECTRODE_OK; left--)
        at = take(block, at, sink, &status);
    return status == ELECTRODE_MALFORMED ? say(error, "malformed block", status) : status;
}

/* Never heeds a stop. */
static inline int32_t deaf(electrode_instance self, uint32_t height, electrode_bytes block,
                           const electrode_sink *sink, const electrode_out *error) {
    (void)self, (void)height, (void)error;
    electrode_tx tx = {{0}, 0, block.len, block.len, NO_INPUTS, 0, NO_OUTPUTS, 0};
    while (sink->emit(sink->ctx, &tx) != 12345) {}
    return ELECTRODE_OK;
}

/* Heeds a stop too late. */
static inline int32_t slow(electrode_instance self, uint32_t height, electrode_bytes block,
                           const electrode_sink *sink, const electrode_out *error) {
    (void)self, (void)height, (void)error;
    electrode_tx tx = {{0}, 81, 1, 1, NO_INPUTS, 0, NO_OUTPUTS, 0};
    for (size_t at = 81; at < block.len; at++) tx.offset = at, sink->emit(sink->ctx, &tx);
    return ELECTRODE_OK;
}

/* Hands over what is not there. */
static inline int32_t liar(electrode_instance self, uint32_t height, electrode_bytes block,
                           const electrode_sink *sink, const electrode_out *error) {
    (void)self, (void)height, (void)error;
    electrode_tx tx = {{0}, block.len, 1000, 1000, NO_INPUTS, 0, NO_OUTPUTS, 0};
    return sink->emit(sink->ctx, &tx) == ELECTRODE_CONTINUE ? ELECTRODE_OK : ELECTRODE_STOPPED;
}

/* Claims more inputs than bytes. */
static inline int32_t greedy(electrode_instance self, uint32_t height, electrode_bytes block,
                             const electrode_sink *sink, const electrode_out *error) {
    (void)self, (void)height, (void)error;
    electrode_outpoint input = {{0}, 0};
    electrode_tx tx = {{0}, 0, block.len, 1, &input, SIZE_MAX, NO_OUTPUTS, 0};
    return sink->emit(sink->ctx, &tx) == ELECTRODE_CONTINUE ? ELECTRODE_OK : ELECTRODE_STOPPED;
}

/* Hands over a null pointer. */
static inline int32_t hollow(electrode_instance self, uint32_t height, electrode_bytes block,
                             const electrode_sink *sink, const electrode_out *error) {
    (void)self, (void)height, (void)error;
    electrode_tx tx = {{0}, 0, block.len, block.len, NULL, 0, NO_OUTPUTS, 0};
    return sink->emit(sink->ctx, &tx) == ELECTRODE_CONTINUE ? ELECTRODE_OK : ELECTRODE_STOPPED;
}

/* Answers what means nothing. */
static inline int32_t babble(electrode_instance self, uint32_t height, electrode_bytes block,
                             const electrode_sink *sink, const electrode_out *error) {
    (void)self, (void)height, (void)block, (void)sink;
    return say(error, "abra\ncadabra", 77);
}

static int32_t parse_tx(electrode_instance self, electrode_bytes raw, const electrode_sink *sink,
                        const electrode_out *error) {
    (void)self;
    int32_t status = ELECTRODE_OK;
    if (raw.len == 0) return say(error, "an empty one", ELECTRODE_SKIPPED);
    if (take(raw, 0, sink, &status) != raw.len && status == ELECTRODE_OK)
        status = ELECTRODE_MALFORMED;
    return status;
}

/* Files an output under its script, and under its first byte. */
static int32_t index_scripts(electrode_instance self, electrode_bytes script,
                             const electrode_out *out, const electrode_out *error) {
    (void)self, (void)error;
    if (script.len == 0) return ELECTRODE_OK;
    if (out->write(out->ctx, script.ptr, script.len) != ELECTRODE_CONTINUE)
        return ELECTRODE_STOPPED;
    out->write(out->ctx, script.ptr, 1);
    return ELECTRODE_OK;
}

static int32_t convert(electrode_instance self, electrode_bytes bytes, const electrode_out *out,
                       const electrode_out *error) {
    (void)self, (void)bytes, (void)out, (void)error;
    return ELECTRODE_BY_DESCRIPTOR;
}

static const electrode_vtable VTABLE = {
    create,        destroy,     describe, header_len,    HEADER_HASH, header_prev,
    client_header, PARSE_BLOCK, parse_tx, index_scripts, convert,     convert,
};

#ifndef NO_SYMBOL
const electrode_header electrode_coin_plugin = {
    MAGIC,       MAJOR,    ELECTRODE_ABI_MINOR, HEADER_SIZE,  VTABLE_SIZE,
    FEATURES,    "toy",    "0.1",               __VERSION__, &VTABLE,
};
#endif
