/* electrode_coin.h - the border between the Electrode server and a coin plugin, version 1.0.
 *
 * A plugin is a shared library that exports one data symbol, `electrode_coin_plugin`. Rules:
 *
 *  - No ownership crosses. What is handed to a function is borrowed for the call. What a function
 *    answers is copied by the server during the `write` or `emit` that hands it over. Only the
 *    instance belongs to the plugin, from `create` to `destroy`.
 *  - All functions but `create` and `destroy` are called at the same time from many threads. They
 *    are pure: no input or output, no threads, no clock, the same answer to the same question.
 *  - Nothing may leave a function but its return value: no C++ exception, no longjmp.
 *  - No pointer is null, not even that of an array without items.
 *  - When `write` or `emit` answer ELECTRODE_STOP, return ELECTRODE_STOPPED at once.
 *  - The library is never unloaded. It is loaded with RTLD_NOW | RTLD_LOCAL.
 *
 * Hashes are in internal byte order. The descriptor is TOML: see plugins/README.md.
 */
#ifndef ELECTRODE_COIN_H
#define ELECTRODE_COIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ELECTRODE_MAGIC {'E', 'L', 'E', 'C', 'T', 'R', 'O', 'D'}
#define ELECTRODE_ABI_MAJOR 1
#define ELECTRODE_ABI_MINOR 0

/* What a function answers; every other number counts as ELECTRODE_PANIC. */
#define ELECTRODE_OK 0            /* it did what it was asked */
#define ELECTRODE_MALFORMED 1     /* the bytes are not what this chain calls a block, ... */
#define ELECTRODE_SKIPPED 2       /* parse_tx: valid, but there is nothing to index */
#define ELECTRODE_BY_DESCRIPTOR 3 /* the server is to do what the descriptor says */
#define ELECTRODE_STOPPED 4       /* a callback said stop */
#define ELECTRODE_ASK_NODE 5      /* header_hash: only the node knows */
#define ELECTRODE_PANIC (-1)      /* the plugin broke down and must not be asked again */

/* What a callback answers. */
#define ELECTRODE_CONTINUE 0
#define ELECTRODE_STOP 1

typedef void *electrode_instance;

typedef struct {
    const uint8_t *ptr;
    size_t len;
} electrode_bytes;

typedef struct {
    uint8_t txid[32];
    uint32_t vout;
} electrode_outpoint;

typedef struct {
    uint64_t value; /* in the smallest unit */
    electrode_bytes script;
} electrode_output;

typedef struct {
    uint8_t txid[32];
    size_t offset; /* where it starts in the bytes that are parsed */
    size_t len;    /* how many bytes it takes there; the next one starts behind them */
    size_t vsize;  /* virtual size */
    const electrode_outpoint *inputs; /* of a coinbase one: zeros, 0xffffffff */
    size_t inputs_len;
    const electrode_output *outputs;
    size_t outputs_len;
} electrode_tx;

/* Takes bytes; of a list, one item a call. */
typedef struct {
    void *ctx;
    int32_t (*write)(void *ctx, const uint8_t *ptr, size_t len);
} electrode_out;

/* Takes transactions in block order. */
typedef struct {
    void *ctx;
    int32_t (*emit)(void *ctx, const electrode_tx *tx);
} electrode_sink;

/* Every slot must be filled. `error` takes the text that explains an answer other than OK. */
typedef struct {
    int32_t (*create)(electrode_bytes net, electrode_bytes options, electrode_instance *instance,
                      const electrode_out *error);
    void (*destroy)(electrode_instance self);
    /* the descriptor, TOML */
    int32_t (*describe)(electrode_instance self, const electrode_out *out,
                        const electrode_out *error);
    /* from here on ELECTRODE_BY_DESCRIPTOR is allowed */
    int32_t (*header_len)(electrode_instance self, uint32_t height, electrode_bytes block,
                          size_t *len, const electrode_out *error);
    int32_t (*header_hash)(electrode_instance self, uint32_t height, electrode_bytes header,
                           uint8_t hash[32], const electrode_out *error);
    int32_t (*header_prev)(electrode_instance self, electrode_bytes header, uint8_t hash[32],
                           const electrode_out *error);
    /* the header as wallets get it beside a checkpoint proof */
    int32_t (*client_header)(electrode_instance self, uint32_t height, electrode_bytes header,
                             const electrode_out *out, const electrode_out *error);
    int32_t (*parse_block)(electrode_instance self, uint32_t height, electrode_bytes block,
                           const electrode_sink *sink, const electrode_out *error);
    /* a transaction that travels alone: emit it once */
    int32_t (*parse_tx)(electrode_instance self, electrode_bytes raw, const electrode_sink *sink,
                        const electrode_out *error);
    /* scripts that an output is filed under, the owner's first, none if nobody can spend it;
     * called only where the descriptor says unspendable = "custom" */
    int32_t (*index_scripts)(electrode_instance self, electrode_bytes script,
                             const electrode_out *out, const electrode_out *error);
    int32_t (*address_to_script)(electrode_instance self, electrode_bytes address,
                                 const electrode_out *out, const electrode_out *error);
    /* nothing is written where a script has no address */
    int32_t (*script_to_address)(electrode_instance self, electrode_bytes script,
                                 const electrode_out *out, const electrode_out *error);
} electrode_vtable;

typedef struct {
    uint8_t magic[8];
    uint32_t abi_major;
    uint32_t abi_minor;
    uint32_t header_size; /* sizeof(electrode_header) */
    uint32_t vtable_size; /* sizeof(electrode_vtable) */
    uint64_t features;    /* what the server must know: 0 */
    const char *name;
    const char *version;
    const char *built_with;
    const electrode_vtable *vtable;
} electrode_header;

/* What a plugin defines:
 *   const electrode_header electrode_coin_plugin = {ELECTRODE_MAGIC, ELECTRODE_ABI_MAJOR, ...}; */
extern const electrode_header electrode_coin_plugin;

#ifdef __cplusplus
}
#endif

#endif
