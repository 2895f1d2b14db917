/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A relay in memory: drops with the semantics of docs/protocol.md (append is idempotent, batches are signed,
 * a watch stays), authority by the key of the link. It can lose everything that it stored.
 */
#ifndef TESTS_TALK_FAKE_RELAY_H
#define TESTS_TALK_FAKE_RELAY_H

#include "talk/talk.h"
#include "wire/drop.h"

struct fake_relay;

/* Of every link. */
#define FAKE_RELAY_EXPORTER \
	{ \
		7 \
	}

/* One answer to a phone; message lives during the call. */
typedef void fake_relay_answer(void *context, uint32_t link, uint64_t ticket, struct bytes message,
			       bool last);

struct fake_relay *fake_relay_create(uint32_t seed, fake_relay_answer *answer, void *context);
void fake_relay_destroy(struct fake_relay *relay);

const uint8_t *fake_relay_key(const struct fake_relay *relay);
const uint8_t *fake_relay_claim(const struct fake_relay *relay);

/* A new link; false: none of the keys opens one. Watches of an earlier link of this number are gone. */
bool fake_relay_connect(struct fake_relay *relay, uint32_t link, const struct talk_link *keys);
void fake_relay_disconnect(struct fake_relay *relay, uint32_t link);
void fake_relay_request(struct fake_relay *relay, uint32_t link, uint64_t ticket,
			struct bytes message);
void fake_relay_cancel(struct fake_relay *relay, uint32_t link, uint64_t ticket);

/* The relay's clock: records older than TALK_RETENTION_MS are gone when somebody looks. */
void fake_relay_clock(struct fake_relay *relay, uint64_t now_ms);

/* All drops are gone; those that come again have other incarnations. Links must be down. */
void fake_relay_lose(struct fake_relay *relay);

/* The 60 s after an installation are over: links that have not shown the newest key fall to catch-up. */
void fake_relay_fall(struct fake_relay *relay);

/* So many installations and proofs are answered with "busy" first. */
void fake_relay_busy(struct fake_relay *relay, uint32_t count);

/* The relay puts its name to whatever this is. */
void fake_relay_sign(const struct fake_relay *relay, struct bytes content, uint8_t *signature);

/* So many appends are answered with this first, and not stored. */
void fake_relay_refuse(struct fake_relay *relay, enum wire_status status, uint32_t count);

/* So many records are answered as if they were stored, and are not. */
void fake_relay_swallow(struct fake_relay *relay, uint32_t count);

/* From now on what it serves bears another key's signature, or its own again. */
void fake_relay_forge(struct fake_relay *relay, bool forges);

/* A record stands in this drop, whoever put it there. */
void fake_relay_put(struct fake_relay *relay, const uint8_t *name, struct bytes sealed);

/* All drops have another history of the same length, signed like the first. */
void fake_relay_rewrite(struct fake_relay *relay);

/* All drops are as they were before their last record, as from a copy of its disk. */
void fake_relay_set_back(struct fake_relay *relay);

/*
 * From now on these links (bit n: link n) are shown a copy of all drops, which goes on by itself; and then there is one
 * relay again, which knows nothing of the copy. Links must be down at both times.
 */
void fake_relay_fork(struct fake_relay *relay, uint64_t links);
void fake_relay_unfork(struct fake_relay *relay);

/* Likewise, but what anybody appends stands in both, save for so many records, which the copy is not to have. */
void fake_relay_withhold(struct fake_relay *relay, uint64_t links);
void fake_relay_hide(struct fake_relay *relay, uint32_t count);

/* The newest access key's; 0 before founding. */
uint64_t fake_relay_number(const struct fake_relay *relay);

/* enum wire_authority of a link; NONE: no link. */
/* Serial of the list of admins, how many they are and how many must sign. */
uint64_t fake_relay_admins(const struct fake_relay *relay, size_t *count, size_t *threshold);
uint8_t fake_relay_authority(const struct fake_relay *relay, uint32_t link);

/* Does any stored byte string contain this one? */
bool fake_relay_contains(const struct fake_relay *relay, struct bytes text);
size_t fake_relay_records(const struct fake_relay *relay);

#endif
