/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to the relay: tickets, and the queue on the way out. */
#include <string.h>

#include "talk/state.h"

static enum sotto_err outgoing_put(struct talk *talk, uint64_t ticket, bool cancel,
				   const struct wire_type *type, const void *message)
{
	struct talk_outgoing *outgoing = talk_take(talk, sizeof(*outgoing));
	enum sotto_err err = SOTTO_OK;

	if (outgoing == NULL)
		return SOTTO_ERR_NO_MEMORY;
	outgoing->ticket = ticket;
	outgoing->cancel = cancel;
	if (type != NULL)
		err = talk_encode(talk, type, message, &outgoing->message);
	if (err != SOTTO_OK) {
		talk_give(talk, outgoing, sizeof(*outgoing));
		return err;
	}
	list_append(&talk->outgoing, &outgoing->list);
	return SOTTO_OK;
}

enum sotto_err talk_ask(struct talk *talk, enum talk_asking what, const struct wire_type *type,
			const void *message, struct talk_asked **asked)
{
	struct talk_asked *made;
	enum sotto_err err;

	if (!talk->link_up || talk->asked_count >= TALK_REQUESTS_MAX)
		return SOTTO_ERR_AGAIN;
	made = talk_take(talk, sizeof(*made));
	if (made == NULL)
		return SOTTO_ERR_NO_MEMORY;
	made->ticket = talk->ticket + 1;
	made->what = what;
	err = outgoing_put(talk, made->ticket, false, type, message);
	if (err != SOTTO_OK) {
		talk_give(talk, made, sizeof(*made));
		return err;
	}
	talk->ticket++;
	talk->asked_count++;
	list_append(&talk->asked, &made->list);
	*asked = made;
	return SOTTO_OK;
}

enum sotto_err talk_ask_append(struct talk *talk, enum talk_asking what,
			       const uint8_t *append_token, const uint8_t *read_hash, uint8_t flags,
			       struct bytes record, struct talk_asked **asked)
{
	struct wire_record item = {.sealed = record};
	struct wire_append append = {.flags = flags, .records = {.items = &item, .count = 1}};
	enum sotto_err err;

	memcpy(append.append_token, append_token, WIRE_TOKEN_LEN);
	memcpy(append.read_token_hash, read_hash, WIRE_HASH_LEN);
	err = talk_ask(talk, what, &wire_append_type, &append, asked);
	bytes_wipe(&append, sizeof(append));
	return err;
}

enum sotto_err talk_records_append(struct talk *talk, enum talk_asking what,
				   const uint8_t *append_token, const uint8_t *read_hash,
				   uint8_t flags, struct talk_records *records,
				   struct talk_asked **asked)
{
	enum sotto_err err;

	*asked = NULL;
	if (records->ticket != 0 || records->stored >= records->count ||
	    talk->now_ns < talk->retry_ns)
		return SOTTO_OK;
	err = talk_ask_append(talk, what, append_token, read_hash, flags,
			      talk_blob_bytes(&records->items[records->stored]), asked);
	if (err != SOTTO_OK)
		return err == SOTTO_ERR_AGAIN ? SOTTO_OK : err;
	records->ticket = (*asked)->ticket;
	return SOTTO_OK;
}

enum sotto_err talk_ask_drop(struct talk *talk, enum talk_asking what, struct talk_drop *drop)
{
	struct wire_read read = {.flags = drop->flags, .from_sequence = drop->sequence + 1};
	struct wire_watch watch = {.flags = drop->flags, .from_sequence = drop->sequence + 1};
	struct talk_asked *asked;
	enum sotto_err err;

	memcpy(read.append_token_hash, drop->append_hash, WIRE_HASH_LEN);
	memcpy(read.read_token, drop->read_token, WIRE_TOKEN_LEN);
	memcpy(watch.append_token_hash, drop->append_hash, WIRE_HASH_LEN);
	memcpy(watch.read_token, drop->read_token, WIRE_TOKEN_LEN);
	err = what == TALK_ASK_READ ? talk_ask(talk, what, &wire_read_type, &read, &asked)
				    : talk_ask(talk, what, &wire_watch_type, &watch, &asked);
	bytes_wipe(&read, sizeof(read));
	bytes_wipe(&watch, sizeof(watch));
	if (err != SOTTO_OK)
		return err;
	memcpy(asked->drop, drop->name, WIRE_HASH_LEN);
	asked->from = drop->sequence;
	drop->ticket = asked->ticket;
	drop->watched = what == TALK_ASK_WATCH;
	return SOTTO_OK;
}

struct talk_asked *talk_asked_find(struct talk *talk, uint64_t ticket)
{
	list_for_each (element, following, &talk->asked) {
		struct talk_asked *asked = CONTAINER_OF(element, struct talk_asked, list);

		if (asked->ticket == ticket)
			return asked;
	}
	return NULL;
}

void talk_asked_drop(struct talk *talk, struct talk_asked *asked)
{
	list_remove(&asked->list);
	talk->asked_count--;
	talk_give(talk, asked, sizeof(*asked));
}

void talk_asked_drop_all(struct talk *talk)
{
	list_for_each (element, following, &talk->asked)
		talk_asked_drop(talk, CONTAINER_OF(element, struct talk_asked, list));
}

/* A ticket that is not open any more needs no word to the relay. */
enum sotto_err talk_cancel(struct talk *talk, uint64_t ticket)
{
	struct talk_asked *asked = talk_asked_find(talk, ticket);

	if (asked == NULL)
		return SOTTO_OK;
	talk_asked_drop(talk, asked);
	return outgoing_put(talk, ticket, true, NULL, NULL);
}

static void outgoing_free(struct talk *talk, struct talk_outgoing *outgoing)
{
	list_remove(&outgoing->list);
	talk_blob_clear(talk, &outgoing->message);
	talk_give(talk, outgoing, sizeof(*outgoing));
}

void talk_outgoing_clear(struct talk *talk)
{
	list_for_each (element, following, &talk->outgoing)
		outgoing_free(talk, CONTAINER_OF(element, struct talk_outgoing, list));
	list_for_each (element, following, &talk->given)
		outgoing_free(talk, CONTAINER_OF(element, struct talk_outgoing, list));
}

bool talk_next_request(struct talk *talk, struct talk_request *request)
{
	struct talk_outgoing *outgoing;

	list_for_each (element, following, &talk->given)
		outgoing_free(talk, CONTAINER_OF(element, struct talk_outgoing, list));
	if (talk->batch.len > 0 || talk->broken != SOTTO_OK || list_empty(&talk->outgoing))
		return false;
	outgoing = CONTAINER_OF(talk->outgoing.next, struct talk_outgoing, list);
	list_remove(&outgoing->list);
	list_append(&talk->given, &outgoing->list);
	*request = (struct talk_request){
		.ticket = outgoing->ticket,
		.cancel = outgoing->cancel,
		.message = talk_blob_bytes(&outgoing->message),
	};
	return true;
}
