/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the phones do: append their records to one drop, watch it, and send a datagram each 20 ms into a
 * room of two. A record says who wrote it and its number, so that each watcher can tell what is missing or double.
 */
#include <string.h>

#include "base/assert.h"
#include "crypto/sign.h"
#include "link/link_os.h"
#include "os/clock.h"
#include "os/random.h"
#include "tools/links/links.h"

static void again(struct phone *phone, uint32_t ms)
{
	os_loop_set_timer(phone->scene->loop, &phone->again,
			  os_clock_now_ns() + ms * OS_CLOCK_MS_NS);
}

/* --- Founding --- */

static void found_answered(struct phone *phone, struct asked *asked, struct bytes message)
{
	struct wire_done done;

	(void)asked;
	if (wire_done_decode(message, &done) == SOTTO_OK && done.status == WIRE_STATUS_OK)
		phone->scene->founded = true;
	else
		phone->scene->problem = "founding was refused";
	os_loop_stop(phone->scene->loop);
}

void work_found(struct phone *phone)
{
	struct scene *scene = phone->scene;
	struct wire_admin_key admin;
	struct wire_found found = {.threshold = 1, .admins = {.items = &admin, .count = 1}};
	struct secret private_key;

	if (sign_generate(SIGN_ED25519, &os_random, &private_key, admin.key) != SOTTO_OK ||
	    random_fill(&os_random, scene->network, sizeof(scene->network)) != SOTTO_OK ||
	    random_fill(&os_random, scene->access_key, sizeof(scene->access_key)) != SOTTO_OK ||
	    random_fill(&os_random, found.porch_key, sizeof(found.porch_key)) != SOTTO_OK)
		scene->problem = "no randomness";
	secret_wipe(&private_key);
	memcpy(found.network, scene->network, sizeof(found.network));
	memcpy(found.access_key, scene->access_key, sizeof(found.access_key));
	if (scene->problem == NULL &&
	    phone_ask(phone, &wire_found_type, &found, found_answered) != SOTTO_OK)
		scene->problem = "founding could not be asked for";
}

/* --- Appending --- */

static void append_answered(struct phone *phone, struct asked *asked, struct bytes message)
{
	struct wire_appended appended;
	struct wire_done done;

	(void)asked;
	phone->appending = false;
	if (wire_appended_decode(message, &appended) == SOTTO_OK)
		phone->acknowledged += (uint32_t)appended.placed.count;
	if (wire_done_decode(message, &done) == SOTTO_OK && done.status != WIRE_STATUS_BUSY &&
	    done.status != WIRE_STATUS_QUOTA)
		phone->scene->problem = "an append was refused";
	again(phone, wire_done_decode(message, &done) == SOTTO_OK ? done.retry_ms + 10 : 0);
}

static void fill_record(uint8_t *body, uint32_t phone, uint32_t number)
{
	memset(body, 0, WIRE_RECORD_LEN_1);
	memcpy(body, &phone, sizeof(phone));
	memcpy(body + sizeof(phone), &number, sizeof(number));
}

static void append_next(struct phone *phone)
{
	static uint8_t bodies[RECORDS_AT_ONCE][WIRE_RECORD_LEN_1];
	struct wire_record records[RECORDS_AT_ONCE];
	struct wire_append append = {.records = {.items = records}};
	uint32_t number = phone->acknowledged;

	while (append.records.count < RECORDS_AT_ONCE && number < phone->scene->record_count) {
		fill_record(bodies[append.records.count], phone->index, number++);
		records[append.records.count].sealed = BYTES_OF(bodies[append.records.count]);
		append.records.count++;
	}
	if (phone->appending || append.records.count == 0)
		return;
	memcpy(append.append_token, phone->scene->append_token, WIRE_TOKEN_LEN);
	wire_read_token_hash(phone->scene->read_token, append.read_token_hash);
	if (phone_ask(phone, &wire_append_type, &append, append_answered) != SOTTO_OK) {
		again(phone, 200);
		return;
	}
	phone->appending = true;
	phone->appends++;
}

/* --- Watching --- */

static void mark(struct phone *phone, struct bytes record)
{
	uint32_t who;
	uint32_t number;
	uint8_t *seen;

	memcpy(&who, record.data, sizeof(who));
	memcpy(&number, record.data + sizeof(who), sizeof(number));
	if (who >= phone->scene->phone_count || number >= phone->scene->record_count) {
		phone->forged++;
		return;
	}
	seen = &phone->marks[who * RECORDS_MAX + number];
	if (*seen == 0)
		phone->seen++;
	else
		phone->twice++;
	*seen = 1;
}

/* Signed, and continuing exactly where the last one ended, also over a restart of the relay. */
static bool batch_continues(const struct phone *phone, const struct wire_batch *batch)
{
	if (wire_batch_verify(batch, phone->scene->name.key) != SOTTO_OK ||
	    batch->before_sequence + 1 != phone->next_sequence)
		return false;
	return phone->next_sequence == 1 ||
	       (memcmp(batch->incarnation, phone->incarnation, sizeof(phone->incarnation)) == 0 &&
		memcmp(batch->before_hash, phone->running, sizeof(phone->running)) == 0);
}

static void watch_answered(struct phone *phone, struct asked *asked, struct bytes message)
{
	struct wire_cursor cursor;
	struct wire_record record;
	struct wire_batch batch;

	(void)asked;
	if (wire_batch_decode(message, &batch) != SOTTO_OK)
		return; /* no such drop yet */
	if (!batch_continues(phone, &batch)) {
		phone->forged++;
		return;
	}
	cursor = wire_list_walk(&batch.records);
	while (wire_record_next(&cursor, &record))
		mark(phone, record.sealed);
	phone->next_sequence = batch.end_sequence + 1;
	memcpy(phone->running, batch.running_hash, sizeof(phone->running));
	memcpy(phone->incarnation, batch.incarnation, sizeof(phone->incarnation));
}

static void watch_drop(struct phone *phone)
{
	struct wire_watch watch = {.from_sequence = phone->next_sequence};

	wire_append_token_hash(phone->scene->append_token, watch.append_token_hash);
	memcpy(watch.read_token, phone->scene->read_token, WIRE_TOKEN_LEN);
	if (phone_ask(phone, &wire_watch_type, &watch, watch_answered) != SOTTO_OK)
		again(phone, 200);
}

/* --- Talking --- */

static void join_answered(struct phone *phone, struct asked *asked, struct bytes message)
{
	struct wire_room_joined joined;

	(void)asked;
	if (wire_room_joined_decode(message, &joined) != SOTTO_OK)
		return;
	phone->in_room = true;
	phone->room = joined.room;
}

static void join_room(struct phone *phone)
{
	struct wire_room_join join;

	/* Two and two are in a call, as most calls are. */
	memcpy(join.room_token, phone->scene->room_token, WIRE_TOKEN_LEN);
	join.room_token[0] ^= (uint8_t)(phone->index / 2);
	if (phone_ask(phone, &wire_room_join_type, &join, join_answered) != SOTTO_OK)
		again(phone, 200);
}

void work_beat(struct phone *phone, uint64_t now_ns)
{
	uint8_t datagram[DATAGRAM_LEN] = {phone->room};
	struct os_datagram out = {.local = {.len = 0}};
	struct link_packet packet = {.len = 0};
	enum sotto_err err;
	size_t sent;

	if (!phone->in_room || now_ns > phone->scene->talk_until_ns)
		return;
	err = link_client_datagram(phone->client, BYTES_OF(datagram), now_ns, &packet);
	if (err == SOTTO_OK)
		phone->datagrams_sent++;
	else
		phone->datagrams_refused++;
	if (packet.len == 0)
		return;
	out.payload = BYTES(packet.data, packet.len);
	link_address_to_os(&packet.path.remote, &out.remote);
	if (os_udp_send(phone->udp, &out, 1, &sent) != SOTTO_OK)
		phone->datagrams_refused++;
}

void work_heard(struct phone *phone, struct bytes datagram)
{
	uint64_t now_ns = os_clock_now_ns();

	if (datagram.len != DATAGRAM_LEN)
		return;
	phone->datagrams_received++;
	if (phone->last_heard_ns != 0 && now_ns - phone->last_heard_ns > phone->longest_gap_ns &&
	    now_ns < phone->scene->talk_until_ns)
		phone->longest_gap_ns = now_ns - phone->last_heard_ns;
	phone->last_heard_ns = now_ns;
}

/* --- All of it --- */

void work_begin(struct phone *phone)
{
	if (!phone->scene->founded) {
		work_found(phone);
		return;
	}
	if (!phone->watching) {
		phone->watching = true;
		watch_drop(phone);
	}
	if (!phone->in_room)
		join_room(phone);
	append_next(phone);
}

void work_stop(struct phone *phone)
{
	phone->appending = false;
	phone->in_room = false;
	phone->watching = false;
}

/* A request that was not answered to its end. */
void work_ended(struct phone *phone, const struct asked *asked)
{
	if (asked->answered == append_answered)
		phone->appending = false;
	if (asked->answered == watch_answered)
		phone->watching = false;
}

bool work_done(const struct phone *phone)
{
	return phone->acknowledged == phone->scene->record_count &&
	       phone->seen == phone->scene->record_count * phone->scene->phone_count;
}
