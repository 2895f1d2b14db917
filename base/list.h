/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An intrusive circular list. The head is a struct list of its own; an element holds one as a member and
 * is found again with CONTAINER_OF.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>

struct list {
	struct list *next;
	struct list *previous;
};

static inline void list_init(struct list *head)
{
	head->next = head;
	head->previous = head;
}

static inline bool list_empty(const struct list *head)
{
	return head->next == head;
}

/* Behind the last element. */
static inline void list_append(struct list *head, struct list *element)
{
	element->previous = head->previous;
	element->next = head;
	head->previous->next = element;
	head->previous = element;
}

/* Out of whatever list it is in; it may be removed again. */
static inline void list_remove(struct list *element)
{
	element->previous->next = element->next;
	element->next->previous = element->previous;
	list_init(element);
}

/* Safe against removal of the current element. */
#define list_for_each(element, following, head) \
	for (struct list *element = (head)->next, *following = element->next; element != (head); \
	     element = following, following = element->next)

#endif
