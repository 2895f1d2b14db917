/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list of people to invite: extension,name or extension,name,devices, a line each, perhaps with these words as a
 * heading. All of it is right, or there is no list: what is wrong is said for each line.
 */
#ifndef CLI_PEOPLE_H
#define CLI_PEOPLE_H

#include <stddef.h>

#include "base/bytes.h"
#include "base/error.h"
#include "talk/schema.h"

#define PEOPLE_MAX	  1000		/* as the agent has it */
#define PEOPLE_LEN_MAX	  (1024 * 1024) /* of the text: room for so many, whatever is around them */
#define PEOPLE_DIGITS_MAX 5

struct person {
	size_t line;
	char extension[PEOPLE_DIGITS_MAX + 1];
	char name[LEDGER_NAME_MAX + 1];
	int devices; /* 0: not given */
};

struct people {
	struct person *list;
	size_t count;
};

typedef void people_say_fn(void *context, size_t line, const char *what);

/* FORMAT: something was said. NO_MEMORY. Else to be finished. */
MUST_USE enum sotto_err people_parse(struct bytes text, people_say_fn *say, void *context,
				     struct people *people);
void people_finish(struct people *people);

#endif
