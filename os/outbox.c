/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded queue before a local socket; on a SOCK_SEQPACKET socket an item goes whole, on a stream
 * in parts. */
#include "os/outbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "os/error.h"
#include "os/rights.h"

struct outbox_item {
	struct list place;
	int descriptors[RIGHTS_MAX];
	size_t descriptors_count;
	size_t len;
	size_t done;
	uint8_t data[];
};

void outbox_init(struct outbox *outbox, size_t len_max, size_t count_max)
{
	*outbox = (struct outbox){.len_max = len_max, .count_max = count_max};
	list_init(&outbox->items);
}

static void outbox_drop(struct outbox *outbox, struct outbox_item *item)
{
	list_remove(&item->place);
	outbox->len -= item->len - item->done;
	outbox->count--;
	rights_close(item->descriptors, item->descriptors_count);
	bytes_wipe(item->data, item->len);
	free(item);
}

void outbox_finish(struct outbox *outbox)
{
	while (!list_empty(&outbox->items))
		outbox_drop(outbox, CONTAINER_OF(outbox->items.next, struct outbox_item, place));
}

enum sotto_err outbox_put(struct outbox *outbox, struct bytes head, struct bytes tail,
			  const int *descriptors, size_t count)
{
	struct outbox_item *item;
	size_t len = head.len + tail.len;

	ASSERT(count <= RIGHTS_MAX);
	if (outbox->count >= outbox->count_max || len > outbox->len_max - outbox->len)
		return SOTTO_ERR_LIMIT;
	item = malloc(sizeof(*item) + len);
	if (item == NULL)
		return SOTTO_ERR_NO_MEMORY;
	item->len = len;
	item->done = 0;
	for (item->descriptors_count = 0; item->descriptors_count < count;
	     item->descriptors_count++) {
		int copy = fcntl(descriptors[item->descriptors_count], F_DUPFD_CLOEXEC, 0);

		if (copy < 0) {
			enum sotto_err err = os_err_from_errno(errno);

			rights_close(item->descriptors, item->descriptors_count);
			free(item);
			return err;
		}
		item->descriptors[item->descriptors_count] = copy;
	}
	if (head.len > 0)
		memcpy(item->data, head.data, head.len);
	if (tail.len > 0)
		memcpy(item->data + head.len, tail.data, tail.len);
	list_append(&outbox->items, &item->place);
	outbox->len += len;
	outbox->count++;
	return SOTTO_OK;
}

enum sotto_err outbox_flush(struct outbox *outbox, int socket)
{
	while (!list_empty(&outbox->items)) {
		struct outbox_item *item =
			CONTAINER_OF(outbox->items.next, struct outbox_item, place);
		enum sotto_err err;
		size_t sent;

		err = rights_send(socket, BYTES(item->data + item->done, item->len - item->done),
				  item->descriptors, item->descriptors_count, &sent);
		if (err != SOTTO_OK)
			return err;
		/* They went with the first byte. */
		rights_close(item->descriptors, item->descriptors_count);
		item->descriptors_count = 0;
		item->done += sent;
		outbox->len -= sent;
		if (item->done == item->len)
			outbox_drop(outbox, item);
	}
	return SOTTO_OK;
}
