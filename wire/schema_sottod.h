/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the three processes of the relay say to each other; the form of a line is in schema_relay.h.
 *
 *     parent  <-- child_* status_* -->  network, store
 *     network <-- store_* sign_* access_* -->  store
 *
 * The network process is the one that strangers' packets reach: it holds access keys and asks the
 * store process for everything that needs the relay's own key or the disk.
 */
#ifndef WIRE_SCHEMA_SOTTOD_H
#define WIRE_SCHEMA_SOTTOD_H

#include "wire/limits.h"

#define WIRE_SOTTOD_STRUCTURES(S) \
	S(PART, counter, 0, "One number of the status") \
	S(PART, access_key, 0, "One of the network's access keys") \
	S(SOTTOD, store_ask, 1, "Network to store: a phone's request") \
	S(SOTTOD, store_answer, 2, "Store to network: an answer to it") \
	S(SOTTOD, store_cancel, 3, "Network to store: the stream of a watch is gone") \
	S(SOTTOD, sign_ask, 4, "Network to store: sign the exporter of a new link") \
	S(SOTTOD, sign_answer, 5, "Store to network: the signature") \
	S(SOTTOD, access_loaded, 6, "Store to network, first of all: what was kept") \
	S(SOTTOD, access_save, 7, "Network to store: keep this access state") \
	S(SOTTOD, access_saved, 8, "Store to network: it is durable, or why not") \
	S(SOTTOD, child_ready, 9, "Child to parent: it serves") \
	S(SOTTOD, child_failed, 10, "Child to parent: it cannot, and ends") \
	S(SOTTOD, status_ask, 11, "Parent to child") \
	S(SOTTOD, status_answer, 12, "Child to parent") \
	S(SOTTOD, access_state, 13, "What the relay keeps of its network; inside the others") \
	S(SOTTOD, store_more, 14, \
	  "Network to store: the last answer is on its way, the next may come") \
	S(SOTTOD, generation_keep, 15, \
	  "Network to parent: never serve an older access state again") \
	S(SOTTOD, generation_kept, 16, "Parent to network: that is durable") \
	S(SOTTOD, store_start, 17, "Parent to store, first of all") \
	S(SOTTOD, relay_state, 18, "What the relay keeps in its small sealed file; inside it")

#define WIRE_FIELDS_counter(X, self) \
	X(self, U8, what, 0, none, "which number: the order of relay/status.h") \
	X(self, U64, value, 0, none, "its value")

#define WIRE_FIELDS_store_ask(X, self) \
	X(self, U64, ticket, 0, none, "names the request") \
	X(self, U8, authority, 0, none, "of the link, as in link_state") \
	X(self, OPAQUE, message, WIRE_MESSAGE_MAX, none, "the request as it came")

#define WIRE_FIELDS_store_answer(X, self) \
	X(self, U64, ticket, 0, none, "of the request") \
	X(self, U8, last, 0, none, "1: nothing follows") \
	X(self, OPAQUE, message, WIRE_MESSAGE_MAX, none, "the answer as it goes out")

#define WIRE_FIELDS_store_cancel(X, self) X(self, U64, ticket, 0, none, "of the watch")

#define WIRE_FIELDS_store_more(X, self)	  X(self, U64, ticket, 0, none, "of a read or watch")

#define WIRE_FIELDS_sign_ask(X, self) \
	X(self, U64, ticket, 0, none, "names the link") \
	X(self, FIXED, network, WIRE_HASH_LEN, none, "network id; zeros before founding") \
	X(self, FIXED, exporter, WIRE_EXPORTER_LEN, none, "TLS exporter of the link")

#define WIRE_FIELDS_sign_answer(X, self) \
	X(self, U64, ticket, 0, none, "of the link") \
	X(self, FIXED, signature, WIRE_SIGNATURE_LEN, none, "by the relay's key")

#define WIRE_FIELDS_access_loaded(X, self) \
	X(self, FIXED, relay_key, WIRE_KEY_LEN, none, "the relay's public key") \
	X(self, OPAQUE, state, WIRE_ACCESS_STATE_MAX, none, \
	  "as saved last; empty at the first start")

#define WIRE_FIELDS_access_save(X, self) \
	X(self, U64, ticket, 0, none, "names the request") \
	X(self, OPAQUE, state, WIRE_ACCESS_STATE_MAX, none, "the whole state")

#define WIRE_FIELDS_access_saved(X, self) \
	X(self, U64, ticket, 0, none, "of the request") \
	X(self, U8, status, 0, none, "0: durable")

#define WIRE_FIELDS_access_key(X, self) \
	X(self, U64, number, 0, none, "from 1") \
	X(self, FIXED, secret, WIRE_KEY_LEN, none, "the key") \
	X(self, U64, replaced_ms, 0, none, "when the next one came, UTC; 0: it is the newest")

#define WIRE_FIELDS_access_state(X, self) \
	X(self, U64, generation, 0, none, "one up with each change; never goes back") \
	X(self, FIXED, claim, WIRE_KEY_LEN, none, "the claim; zeros once it is used") \
	X(self, FIXED, network, WIRE_HASH_LEN, none, "network id; zeros before founding") \
	X(self, U8, threshold, 0, none, "k") \
	X(self, U64, admins_serial, 0, none, "of the admins' list") \
	X(self, LIST, admins, WIRE_ADMINS_MAX, admin_key, "rotation keys") \
	X(self, LIST, keys, WIRE_ACCESS_KEYS_MAX, access_key, "the newest first") \
	X(self, U64, porch_number, 0, none, "of the porch key") \
	X(self, FIXED, porch_key, WIRE_KEY_LEN, none, "the key") \
	X(self, FIXED, porch_drop, WIRE_HASH_LEN, none, "where porch links append")

#define WIRE_FIELDS_generation_keep(X, self) \
	X(self, U64, generation, 0, none, "of the access state that is in force from now on")

#define WIRE_FIELDS_generation_kept(X, self) X(self, U64, generation, 0, none, "the same")

#define WIRE_FIELDS_store_start(X, self) \
	X(self, FIXED, seal_key, WIRE_KEY_LEN, none, "of the small sealed file")

#define WIRE_FIELDS_relay_state(X, self) \
	X(self, FIXED, seed, WIRE_KEY_LEN, none, "the relay's Ed25519 seed") \
	X(self, OPAQUE, access, WIRE_ACCESS_STATE_MAX, none, "an access_state")

#define WIRE_FIELDS_child_ready(X, self) \
	X(self, FIXED, relay_key, WIRE_KEY_LEN, none, "the relay's public key") \
	X(self, OPAQUE, claim, WIRE_KEY_LEN, none, "the claim, or nothing once it is used")

#define WIRE_FIELDS_child_failed(X, self) \
	X(self, OPAQUE, sentence, WIRE_SENTENCE_MAX, none, "the reason, in words for the operator")

#define WIRE_FIELDS_status_ask(X, self) X(self, U64, ticket, 0, none, "names the question")

#define WIRE_FIELDS_status_answer(X, self) \
	X(self, U64, ticket, 0, none, "of the question") \
	X(self, LIST, counters, WIRE_COUNTERS_MAX, counter, "numbers only: never who") \
	X(self, OPAQUE, sandbox, WIRE_SANDBOX_MAX, none, "what is in force, in words")

#endif
