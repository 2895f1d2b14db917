/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lengths and limits of what travels, each with its reason. Both ends refuse what is beyond them
 * before anything is allocated or stored.
 */
#ifndef WIRE_LIMITS_H
#define WIRE_LIMITS_H

/* In the ALPN as "sotto/1" and in hello: another number is a clear error at both ends. */
#define WIRE_VERSION	     1

#define WIRE_HASH_LEN	     32 /* SHA-256 */
#define WIRE_TOKEN_LEN	     32 /* append, read and room tokens: exporter output */
#define WIRE_KEY_LEN	     32 /* access and porch keys; Ed25519 public keys */
#define WIRE_MAC_LEN	     32 /* HMAC-SHA-256 */
#define WIRE_SIGNATURE_LEN   64 /* Ed25519 */
#define WIRE_INCARNATION_LEN 16 /* random: two drops never share one */
#define WIRE_EXPORTER_LEN    32 /* TLS exporter */

/* A record has exactly one of four sizes, so that its size says next to nothing. */
#define WIRE_RECORD_LEN_1   1024
#define WIRE_RECORD_LEN_4   4096
#define WIRE_RECORD_LEN_16  16384
#define WIRE_RECORD_LEN_64  65536
#define WIRE_RECORD_LEN_MAX WIRE_RECORD_LEN_64

/* One largest record, or as many small ones: a request fits an IPC packet (128 KiB) with its
 * wrapping. */
#define WIRE_RECORDS_MAX     64
#define WIRE_BATCH_BYTES_MAX 98304

/* The longest message between phone and relay: records, their headers, the rest of an append or
 * batch. */
#define WIRE_MESSAGE_MAX (WIRE_BATCH_BYTES_MAX + 4096)

/* Admins of a network: people who can meet. Also the most signatures that a request carries. */
#define WIRE_ADMINS_MAX 16

/* A datagram fits the envelope's full size with QUIC's own overhead. */
#define WIRE_DATAGRAM_HEADER_LEN  3
#define WIRE_DATAGRAM_PAYLOAD_MAX 1100

/* The newest access key and those that still open catch-up (LINK_KEYS_PAST_MAX). */
#define WIRE_ACCESS_KEYS_MAX 29

/* Between sottod's processes: the access state, and a sentence about a failure. */
#define WIRE_ACCESS_STATE_MAX 4096
#define WIRE_SENTENCE_MAX     240
#define WIRE_COUNTERS_MAX     32
#define WIRE_SANDBOX_MAX      512

/* Between a phone's processes: os_sandbox_describe, or a sentence about a failure. */
#define WIRE_SANDBOX_TEXT_MAX 512

#endif
