/* SPDX-License-Identifier: Apache-2.0 */
/* A relay in memory. */
#include "tests/talk/fake_relay.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "crypto/hash.h"
#include "crypto/sign.h"
#include "talk/state.h"
#include "tests/talk/fake_drop.h"

#define DROPS_MAX   512
#define WATCHES_MAX 1024
#define LINKS_MAX   64
#define NONCE_LEN   24 /* of a sealed record */
#define BATCH_MAX   3  /* small, so that batches have seams */
#define KEYS_MAX    64
#define KEYS_PAST   28 /* open catch-up */

struct watch {
	uint32_t link;
	uint64_t ticket;
	uint8_t name[WIRE_HASH_LEN];
	uint64_t next;
	bool stays;
};

struct fake_relay {
	uint8_t seed[32], key[32], claim[32];
	fake_relay_answer *answer;
	void *context;
	struct fake_drop *drops[DROPS_MAX];
	size_t drop_count;
	struct fake_drop
		*others[DROPS_MAX]; /* while some links are served by the copy: the other side's */
	size_t other_count;
	uint64_t forked; /* bit n: link n is shown the copy */
	bool copied;	 /* drops are the copy's at the moment */
	bool mirrors;	 /* the copy has what comes, too */
	uint32_t hidden; /* but for so many records */
	struct watch watches[WATCHES_MAX];
	size_t watch_count;
	uint8_t authority[LINKS_MAX];
	uint64_t shown[LINKS_MAX]; /* number of the newest access key that the link has shown */
	uint64_t number;	   /* of the newest access key; 0: not founded */
	uint32_t busy;
	enum wire_status append_status; /* of so many appends that come: */
	uint32_t append_refusals;
	uint32_t swallows;
	bool forges; /* signs with another key than its own */
	uint8_t network[32], access_keys[KEYS_MAX][32], porch_key[32], porch_drop[32];
	struct wire_admin_key admins[WIRE_ADMINS_MAX];
	size_t admin_count, threshold;
	uint64_t serial; /* of the list of admins */
	uint32_t incarnations;
	uint64_t now_ms;
};

struct fake_relay *fake_relay_create(uint32_t seed, fake_relay_answer *answer, void *context)
{
	struct fake_relay *relay = calloc(1, sizeof(*relay));
	enum sotto_err err;

	ASSERT(relay != NULL);
	hash_digest(HASH_SHA256, BYTES(&seed, sizeof(seed)), relay->seed);
	hash_digest(HASH_SHA256, BYTES_OF(relay->seed), relay->claim);
	err = sign_public(SIGN_ED25519, BYTES_OF(relay->seed), relay->key);
	ASSERT(err == SOTTO_OK);
	relay->answer = answer;
	relay->context = context;
	return relay;
}

void fake_relay_lose(struct fake_relay *relay)
{
	for (size_t i = 0; i < relay->drop_count; i++)
		fake_drop_destroy(relay->drops[i]);
	relay->drop_count = 0;
	relay->watch_count = 0;
}

static void sides_swap(struct fake_relay *relay)
{
	for (size_t i = 0; i < DROPS_MAX; i++) {
		struct fake_drop *drop = relay->drops[i];

		relay->drops[i] = relay->others[i];
		relay->others[i] = drop;
	}
	size_t count = relay->drop_count;

	relay->drop_count = relay->other_count;
	relay->other_count = count;
	relay->copied = !relay->copied;
}

void fake_relay_fork(struct fake_relay *relay, uint64_t links)
{
	relay->forked = links;
	relay->watch_count = 0;
	relay->other_count = relay->drop_count;
	for (size_t i = 0; i < relay->drop_count; i++)
		relay->others[i] = fake_drop_copy(relay->drops[i]);
}

void fake_relay_withhold(struct fake_relay *relay, uint64_t links)
{
	fake_relay_fork(relay, links);
	relay->mirrors = true;
}

void fake_relay_hide(struct fake_relay *relay, uint32_t count)
{
	relay->hidden = count;
}

void fake_relay_unfork(struct fake_relay *relay)
{
	sides_swap(relay);
	fake_relay_lose(relay);
	sides_swap(relay);
	relay->forked = 0;
	relay->mirrors = false;
}

void fake_relay_destroy(struct fake_relay *relay)
{
	fake_relay_unfork(relay);
	fake_relay_lose(relay);
	free(relay);
}

const uint8_t *fake_relay_key(const struct fake_relay *relay)
{
	return relay->key;
}

const uint8_t *fake_relay_claim(const struct fake_relay *relay)
{
	return relay->claim;
}

void fake_relay_disconnect(struct fake_relay *relay, uint32_t link)
{
	size_t kept = 0;

	relay->authority[link] = WIRE_AUTHORITY_NONE;
	for (size_t i = 0; i < relay->watch_count; i++) {
		if (relay->watches[i].link != link)
			relay->watches[kept++] = relay->watches[i];
	}
	relay->watch_count = kept;
}

void fake_relay_cancel(struct fake_relay *relay, uint32_t link, uint64_t ticket)
{
	size_t kept = 0;

	for (size_t i = 0; i < relay->watch_count; i++) {
		if (relay->watches[i].link != link || relay->watches[i].ticket != ticket)
			relay->watches[kept++] = relay->watches[i];
	}
	relay->watch_count = kept;
}

static uint8_t authority_of(const struct fake_relay *relay, const struct talk_key *key)
{
	switch (key->kind) {
	case TALK_KEY_CLAIM:
		return relay->number == 0 && memcmp(key->secret, relay->claim, 32) == 0
			       ? WIRE_AUTHORITY_CLAIM
			       : WIRE_AUTHORITY_NONE;
	case TALK_KEY_PORCH:
		return relay->number != 0 && memcmp(key->secret, relay->porch_key, 32) == 0
			       ? WIRE_AUTHORITY_PORCH
			       : WIRE_AUTHORITY_NONE;
	case TALK_KEY_ACCESS:
		if (key->number == 0 || key->number > relay->number ||
		    key->number + KEYS_PAST < relay->number ||
		    memcmp(key->secret, relay->access_keys[key->number], 32) != 0)
			return WIRE_AUTHORITY_NONE;
		return key->number == relay->number ? WIRE_AUTHORITY_FULL : WIRE_AUTHORITY_CATCH_UP;
	}
	return WIRE_AUTHORITY_NONE;
}

bool fake_relay_connect(struct fake_relay *relay, uint32_t link, const struct talk_link *keys)
{
	fake_relay_disconnect(relay, link);
	for (size_t i = 0; i < keys->key_count; i++) {
		uint8_t authority = authority_of(relay, &keys->keys[i]);

		if (authority == WIRE_AUTHORITY_NONE)
			continue;
		relay->authority[link] = authority;
		relay->shown[link] = keys->keys[i].number;
		return true;
	}
	return false;
}

static struct fake_drop *drop_find(struct fake_relay *relay, const uint8_t *name)
{
	for (size_t i = 0; i < relay->drop_count; i++) {
		if (memcmp(relay->drops[i]->name, name, WIRE_HASH_LEN) == 0)
			return relay->drops[i];
	}
	return NULL;
}

void fake_relay_clock(struct fake_relay *relay, uint64_t now_ms)
{
	relay->now_ms = now_ms;
}

static struct fake_drop *drop_make(struct fake_relay *relay, const uint8_t *name)
{
	struct fake_drop *drop = drop_find(relay, name);

	if (drop != NULL)
		return drop;
	ASSERT(relay->drop_count < DROPS_MAX);
	drop = fake_drop_create(name, ++relay->incarnations);
	relay->drops[relay->drop_count++] = drop;
	return drop;
}

static void answer(struct fake_relay *relay, uint32_t link, uint64_t ticket,
		   const struct wire_type *type, const void *message, bool last)
{
	struct writer writer;
	enum sotto_err err;

	writer_init_growing(&writer, &allocator_default);
	err = wire_encode(type, message, &writer);
	ASSERT(err == SOTTO_OK);
	relay->answer(relay->context, link, ticket, writer_bytes(&writer), last);
	writer_release(&writer);
}

static void done(struct fake_relay *relay, uint32_t link, uint64_t ticket, uint8_t status)
{
	/* As a relay's bucket of requests has it: room for one. */
	struct wire_done message = {.status = status,
				    .retry_ms = status == WIRE_STATUS_BUSY ? 50 : 0};

	answer(relay, link, ticket, &wire_done_type, &message, true);
}

/* The next batch of a watch; false: it was the empty one that says "everything". */
static bool batch_send(struct fake_relay *relay, const struct fake_drop *drop, struct watch *watch,
		       bool last)
{
	uint64_t before = watch->next - 1 < drop->trimmed ? drop->trimmed : watch->next - 1;
	struct wire_record records[BATCH_MAX];
	struct wire_batch batch = {.before_sequence = before, .newest_sequence = drop->count};
	uint8_t content[WIRE_SIGNED_LEN_MAX];
	size_t count = 0;
	size_t len;
	enum sotto_err err;

	if (before > drop->count)
		batch.before_sequence = before = drop->count;
	for (; count < BATCH_MAX && before + count < drop->count; count++)
		records[count].sealed = BYTES(drop->records[before + count].data,
					      drop->records[before + count].len);
	memcpy(batch.drop, drop->name, WIRE_HASH_LEN);
	memcpy(batch.incarnation, drop->incarnation, WIRE_INCARNATION_LEN);
	memcpy(batch.before_hash, fake_drop_running(drop, before), WIRE_HASH_LEN);
	batch.records.items = records;
	batch.records.count = count;
	batch.end_sequence = before + count;
	memcpy(batch.running_hash, fake_drop_running(drop, batch.end_sequence), WIRE_HASH_LEN);
	err = sign_create(SIGN_ED25519, NULL,
			  relay->forges ? BYTES_OF(relay->claim) : BYTES_OF(relay->seed),
			  wire_signed_batch(batch.drop, batch.incarnation, batch.end_sequence,
					    batch.running_hash, content),
			  batch.signature, &len);
	ASSERT(err == SOTTO_OK);
	watch->next = batch.end_sequence + 1;
	answer(relay, watch->link, watch->ticket, &wire_batch_type, &batch,
	       last && batch.end_sequence == drop->count);
	return batch.end_sequence < drop->count;
}

static void watches_push(struct fake_relay *relay, const struct fake_drop *drop)
{
	for (size_t i = 0; i < relay->watch_count; i++) {
		struct watch *watch = &relay->watches[i];

		if (memcmp(watch->name, drop->name, WIRE_HASH_LEN) != 0 ||
		    (relay->forked >> watch->link % 64 & 1) != relay->copied)
			continue;
		while (watch->next <= drop->count)
			(void)batch_send(relay, drop, watch, false);
	}
}

static void append(struct fake_relay *relay, uint32_t link, uint64_t ticket,
		   const struct wire_append *request)
{
	uint8_t append_hash[WIRE_HASH_LEN], name[WIRE_HASH_LEN];
	struct wire_cursor cursor = wire_list_walk(&request->records);
	struct wire_placed placed[WIRE_RECORDS_MAX];
	struct wire_appended appended = {.placed = {.items = placed}};
	struct wire_record record;
	struct fake_drop *drop;

	if (relay->append_refusals > 0) {
		relay->append_refusals--;
		done(relay, link, ticket, (uint8_t)relay->append_status);
		return;
	}
	wire_append_token_hash(request->append_token, append_hash);
	wire_drop_name(request->flags, append_hash, request->read_token_hash, name);
	if (relay->authority[link] != WIRE_AUTHORITY_FULL &&
	    (relay->authority[link] != WIRE_AUTHORITY_PORCH ||
	     memcmp(name, relay->porch_drop, WIRE_HASH_LEN) != 0)) {
		done(relay, link, ticket, WIRE_STATUS_REFUSED);
		return;
	}
	drop = drop_make(relay, name);
	fake_drop_expire(drop, relay->now_ms);
	while (wire_record_next(&cursor, &record)) {
		size_t at = 0;

		for (; at < drop->count; at++) {
			struct bytes known = BYTES(drop->records[at].data, drop->records[at].len);

			/* Known for as long as it would live. */
			if (bytes_equal(known, record.sealed)) {
				if (drop->records[at].at_ms + TALK_RETENTION_MS > relay->now_ms)
					break;
				continue;
			}
			/* Two records under one nonce: whatever died, this may not happen. */
			ASSERT(memcmp(known.data, record.sealed.data, NONCE_LEN) != 0);
		}
		if (at == drop->count && relay->swallows > 0)
			relay->swallows--;
		else if (at == drop->count)
			fake_drop_put(drop, record.sealed, relay->now_ms);
		placed[appended.placed.count++].sequence = at + 1;
	}
	memcpy(appended.incarnation, drop->incarnation, WIRE_INCARNATION_LEN);
	appended.end_sequence = drop->count;
	memcpy(appended.running_hash, fake_drop_running(drop, drop->count), WIRE_HASH_LEN);
	answer(relay, link, ticket, &wire_appended_type, &appended, true);
	watches_push(relay, drop);
}

/* What was just taken, for those who are shown the copy. */
static void copy_append(struct fake_relay *relay, const struct wire_append *request)
{
	uint8_t append_hash[WIRE_HASH_LEN], name[WIRE_HASH_LEN];
	struct wire_cursor cursor = wire_list_walk(&request->records);
	struct wire_record record;
	struct fake_drop *drop;

	wire_append_token_hash(request->append_token, append_hash);
	wire_drop_name(request->flags, append_hash, request->read_token_hash, name);
	sides_swap(relay);
	drop = drop_make(relay, name);
	while (wire_record_next(&cursor, &record)) {
		if (relay->hidden > 0)
			relay->hidden--;
		else
			fake_drop_put(drop, record.sealed, relay->now_ms);
	}
	watches_push(relay, drop);
	sides_swap(relay);
}

static void read_drop(struct fake_relay *relay, struct watch watch, uint8_t flags)
{
	struct fake_drop *drop = drop_find(relay, watch.name);

	uint8_t authority = relay->authority[watch.link];
	uint8_t needed = authority == WIRE_AUTHORITY_PORCH ? WIRE_DROP_INBOX | WIRE_DROP_FILE
							   : WIRE_DROP_FLAGS;

	if (authority != WIRE_AUTHORITY_FULL && (flags & needed) == 0) {
		done(relay, watch.link, watch.ticket, WIRE_STATUS_REFUSED);
		return;
	}
	if (drop == NULL && !watch.stays) {
		done(relay, watch.link, watch.ticket, WIRE_STATUS_NOT_FOUND);
		return;
	}
	if (drop != NULL)
		fake_drop_expire(drop, relay->now_ms);
	while (drop != NULL && batch_send(relay, drop, &watch, !watch.stays))
		;
	if (!watch.stays)
		return;
	ASSERT(relay->watch_count < WATCHES_MAX);
	relay->watches[relay->watch_count++] = watch;
}

static void trim(struct fake_relay *relay, uint32_t link, uint64_t ticket,
		 const struct wire_trim *request)
{
	uint8_t read_hash[WIRE_HASH_LEN], name[WIRE_HASH_LEN];
	struct fake_drop *drop;

	wire_read_token_hash(request->read_token, read_hash);
	wire_drop_name(request->flags, request->append_token_hash, read_hash, name);
	drop = drop_find(relay, name);
	if (drop == NULL || memcmp(drop->incarnation, request->incarnation, 16) != 0) {
		done(relay, link, ticket, WIRE_STATUS_NOT_FOUND);
		return;
	}
	ASSERT(request->up_to_sequence <= drop->count);
	if (request->up_to_sequence <= drop->trimmed ||
	    memcmp(fake_drop_running(drop, request->up_to_sequence), request->running_hash,
		   WIRE_HASH_LEN) != 0) {
		done(relay, link, ticket, WIRE_STATUS_MALFORMED);
		return;
	}
	drop->trimmed = request->up_to_sequence;
	done(relay, link, ticket, WIRE_STATUS_OK);
}

static void hello(struct fake_relay *relay, uint32_t link, uint64_t ticket)
{
	struct wire_link_state state = {.version = WIRE_VERSION,
					.authority = relay->authority[link],
					.key_number = relay->number,
					.admins_serial = relay->serial};

	if (state.authority == WIRE_AUTHORITY_FULL && relay->shown[link] != relay->number)
		state.prove_within_ms = 60000;
	memcpy(state.network, relay->network, WIRE_HASH_LEN);
	answer(relay, link, ticket, &wire_link_state_type, &state, true);
}

static void admins_take(struct fake_relay *relay, const struct wire_list *list, uint8_t threshold,
			uint64_t serial)
{
	struct wire_cursor cursor = wire_list_walk(list);

	relay->admin_count = 0;
	while (relay->admin_count < WIRE_ADMINS_MAX &&
	       wire_admin_key_next(&cursor, &relay->admins[relay->admin_count]))
		relay->admin_count++;
	relay->threshold = threshold;
	relay->serial = serial;
}

/* k of the admins that stand, each once. */
static bool approved(const struct fake_relay *relay, const struct wire_list *list,
		     struct bytes content)
{
	struct wire_cursor cursor = wire_list_walk(list);
	struct wire_approval approval;
	size_t next = 0, count = 0;

	while (wire_approval_next(&cursor, &approval)) {
		if (approval.admin < next || approval.admin >= relay->admin_count ||
		    sign_verify(SIGN_ED25519, BYTES_OF(relay->admins[approval.admin].key), content,
				BYTES_OF(approval.signature)) != SOTTO_OK)
			return false;
		next = approval.admin + 1u;
		count++;
	}
	return count >= relay->threshold;
}

static void found(struct fake_relay *relay, uint32_t link, uint64_t ticket,
		  const struct wire_found *request)
{
	if (relay->number != 0 || relay->authority[link] != WIRE_AUTHORITY_CLAIM ||
	    request->admins.count == 0) {
		done(relay, link, ticket, WIRE_STATUS_REFUSED);
		return;
	}
	relay->number = 1;
	memcpy(relay->network, request->network, 32);
	memcpy(relay->access_keys[1], request->access_key, 32);
	memcpy(relay->porch_key, request->porch_key, 32);
	memcpy(relay->porch_drop, request->porch_drop, 32);
	admins_take(relay, &request->admins, request->threshold, 1);
	done(relay, link, ticket, WIRE_STATUS_OK);
}

static bool busy(struct fake_relay *relay, uint32_t link, uint64_t ticket)
{
	struct wire_done message = {.status = WIRE_STATUS_BUSY, .retry_ms = 1000};

	if (relay->busy == 0)
		return false;
	relay->busy--;
	answer(relay, link, ticket, &wire_done_type, &message, true);
	return true;
}

static enum wire_status install(struct fake_relay *relay, uint32_t link,
				const struct wire_key_install *request)
{
	uint8_t content[WIRE_SIGNED_LEN_MAX];

	if (relay->authority[link] != WIRE_AUTHORITY_FULL)
		return WIRE_STATUS_REFUSED;
	if (request->number != relay->number + 1)
		return WIRE_STATUS_STALE;
	if (!approved(relay, &request->approvals,
		      wire_signed_key_install(relay->network, request, content)))
		return WIRE_STATUS_REFUSED;
	ASSERT(relay->number + 1 < KEYS_MAX);
	relay->number++;
	memcpy(relay->access_keys[relay->number], request->access_key, 32);
	return WIRE_STATUS_OK;
}

static enum wire_status admins_change(struct fake_relay *relay, uint32_t link,
				      const struct wire_admins_change *request)
{
	uint8_t content[WIRE_SIGNED_LEN_MAX];

	if (relay->authority[link] != WIRE_AUTHORITY_FULL)
		return WIRE_STATUS_REFUSED;
	if (request->serial != relay->serial + 1)
		return WIRE_STATUS_STALE;
	if (!approved(relay, &request->approvals,
		      wire_signed_admins_change(relay->network, request, content)))
		return WIRE_STATUS_REFUSED;
	admins_take(relay, &request->admins, request->threshold, request->serial);
	return WIRE_STATUS_OK;
}

uint64_t fake_relay_admins(const struct fake_relay *relay, size_t *count, size_t *threshold)
{
	*count = relay->admin_count;
	*threshold = relay->threshold;
	return relay->serial;
}

static enum wire_status prove(struct fake_relay *relay, uint32_t link,
			      const struct wire_key_prove *request)
{
	static const uint8_t exporter[WIRE_EXPORTER_LEN] = FAKE_RELAY_EXPORTER;
	uint8_t mac[WIRE_MAC_LEN];

	if (request->number != relay->number)
		return WIRE_STATUS_STALE;
	wire_key_possession(relay->number, relay->access_keys[relay->number], exporter, mac);
	if (memcmp(mac, request->mac, sizeof(mac)) != 0)
		return WIRE_STATUS_REFUSED;
	relay->authority[link] = WIRE_AUTHORITY_FULL;
	relay->shown[link] = relay->number;
	return WIRE_STATUS_OK;
}

void fake_relay_busy(struct fake_relay *relay, uint32_t count)
{
	relay->busy = count;
}

void fake_relay_refuse(struct fake_relay *relay, enum wire_status status, uint32_t count)
{
	relay->append_status = status;
	relay->append_refusals = count;
}

void fake_relay_swallow(struct fake_relay *relay, uint32_t count)
{
	relay->swallows = count;
}

void fake_relay_forge(struct fake_relay *relay, bool forges)
{
	relay->forges = forges;
}

void fake_relay_put(struct fake_relay *relay, const uint8_t *name, struct bytes sealed)
{
	struct fake_drop *drop = drop_make(relay, name);

	fake_drop_put(drop, sealed, relay->now_ms);
	watches_push(relay, drop);
}

void fake_relay_rewrite(struct fake_relay *relay)
{
	for (size_t i = 0; i < relay->drop_count; i++) {
		struct fake_drop *drop = relay->drops[i];

		for (size_t k = 0; k < drop->count; k++) {
			struct fake_stored *stored = &drop->records[k];

			/* Not one that anybody made: another nonce, too. */
			stored->data[0] ^= 1;
			stored->data[stored->len - 1] ^= 1;
			memcpy(stored->running, fake_drop_running(drop, k), WIRE_HASH_LEN);
			wire_running_next(stored->running, BYTES(stored->data, stored->len));
		}
	}
}

void fake_relay_set_back(struct fake_relay *relay)
{
	for (size_t i = 0; i < relay->drop_count; i++) {
		struct fake_drop *drop = relay->drops[i];

		if (drop->count > 0)
			free(drop->records[--drop->count].data);
		if (drop->trimmed > drop->count)
			drop->trimmed = drop->count;
	}
}

uint64_t fake_relay_number(const struct fake_relay *relay)
{
	return relay->number;
}

uint8_t fake_relay_authority(const struct fake_relay *relay, uint32_t link)
{
	return relay->authority[link];
}

/* Streams that a link may not have any more are reset: the phone hears the end of them and no word. */
void fake_relay_fall(struct fake_relay *relay)
{
	for (uint32_t link = 0; link < LINKS_MAX; link++) {
		size_t kept = 0;

		if (relay->authority[link] != WIRE_AUTHORITY_FULL ||
		    relay->shown[link] == relay->number)
			continue;
		relay->authority[link] = WIRE_AUTHORITY_CATCH_UP;
		for (size_t i = 0; i < relay->watch_count; i++) {
			struct watch *watch = &relay->watches[i];

			if (watch->link == link)
				relay->answer(relay->context, link, watch->ticket, BYTES_NONE,
					      true);
			else
				relay->watches[kept++] = *watch;
		}
		relay->watch_count = kept;
	}
}

static void request_take(struct fake_relay *relay, uint32_t link, uint64_t ticket,
			 struct bytes message)
{
	const struct wire_type *type = wire_identify(WIRE_FAMILY_RELAY, message);
	union {
		struct wire_append append;
		struct wire_read read;
		struct wire_watch watch;
		struct wire_trim trim;
		struct wire_found found;
		struct wire_hello hello;
		struct wire_key_install install;
		struct wire_key_prove prove;
		struct wire_admins_change admins;
	} body;
	struct watch watch = {.link = link, .ticket = ticket};
	uint8_t read_hash[WIRE_HASH_LEN];
	enum sotto_err err;

	ASSERT(type != NULL);
	err = wire_decode(type, message, &body);
	ASSERT(err == SOTTO_OK);
	if (type == &wire_append_type) {
		append(relay, link, ticket, &body.append);
		if (relay->mirrors)
			copy_append(relay, &body.append);
	} else if (type == &wire_read_type) {
		wire_read_token_hash(body.read.read_token, read_hash);
		wire_drop_name(body.read.flags, body.read.append_token_hash, read_hash, watch.name);
		watch.next = body.read.from_sequence;
		read_drop(relay, watch, body.read.flags);
	} else if (type == &wire_watch_type) {
		wire_read_token_hash(body.watch.read_token, read_hash);
		wire_drop_name(body.watch.flags, body.watch.append_token_hash, read_hash,
			       watch.name);
		watch.next = body.watch.from_sequence;
		watch.stays = true;
		read_drop(relay, watch, body.watch.flags);
	} else if (type == &wire_trim_type) {
		trim(relay, link, ticket, &body.trim);
	} else if (type == &wire_found_type) {
		found(relay, link, ticket, &body.found);
	} else if ((type == &wire_key_install_type || type == &wire_key_prove_type) &&
		   busy(relay, link, ticket)) {
		return;
	} else if (type == &wire_key_install_type) {
		done(relay, link, ticket, (uint8_t)install(relay, link, &body.install));
	} else if (type == &wire_admins_change_type) {
		done(relay, link, ticket, (uint8_t)admins_change(relay, link, &body.admins));
	} else if (type == &wire_key_prove_type) {
		done(relay, link, ticket, (uint8_t)prove(relay, link, &body.prove));
	} else if (type == &wire_hello_type) {
		hello(relay, link, ticket);
	} else {
		done(relay, link, ticket, WIRE_STATUS_MALFORMED);
	}
}

void fake_relay_request(struct fake_relay *relay, uint32_t link, uint64_t ticket,
			struct bytes message)
{
	bool copy =
		(relay->forked >> link % 64 & 1) != 0 &&
		(!relay->mirrors || wire_identify(WIRE_FAMILY_RELAY, message) == &wire_read_type ||
		 wire_identify(WIRE_FAMILY_RELAY, message) == &wire_watch_type);

	if (copy)
		sides_swap(relay);
	request_take(relay, link, ticket, message);
	if (copy)
		sides_swap(relay);
}

bool fake_relay_contains(const struct fake_relay *relay, struct bytes text)
{
	for (size_t i = 0; i < relay->drop_count; i++) {
		for (size_t k = 0; k < relay->drops[i]->count; k++) {
			const struct fake_stored *stored = &relay->drops[i]->records[k];

			for (size_t at = 0; at + text.len <= stored->len; at++) {
				if (memcmp(stored->data + at, text.data, text.len) == 0)
					return true;
			}
		}
	}
	return false;
}

size_t fake_relay_records(const struct fake_relay *relay)
{
	size_t count = 0;

	for (size_t i = 0; i < relay->drop_count; i++)
		count += relay->drops[i]->count;
	return count;
}

void fake_relay_sign(const struct fake_relay *relay, struct bytes content, uint8_t *signature)
{
	size_t len;
	enum sotto_err err =
		sign_create(SIGN_ED25519, NULL, BYTES_OF(relay->seed), content, signature, &len);

	ASSERT(err == SOTTO_OK && len == WIRE_SIGNATURE_LEN);
}
