/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints docs/protocol.md with the tables of the wire schema put between their markers:
 *
 *	wire-table docs/protocol.md > new && mv new docs/protocol.md
 */
#include <stdio.h>
#include <string.h>

#include "talk/schema.h"
#include "wire/wire.h"

#define LINE_LEN_MAX 4096

static const struct {
	const char *marker;
	enum wire_family family;
} tables[] = {
	{"<!-- wire:begin relay -->\n", WIRE_FAMILY_RELAY},
	{"<!-- wire:begin part -->\n", WIRE_FAMILY_PART},
	{"<!-- wire:begin datagram -->\n", WIRE_FAMILY_DATAGRAM},
	{"<!-- wire:begin sottod -->\n", WIRE_FAMILY_SOTTOD},
	{"<!-- wire:begin phone -->\n", WIRE_FAMILY_PHONE},
};

/* Structures of ledger/ and talk/. */
static const struct {
	const char *marker;
	const struct wire_type *const *types;
	const size_t *count;
} others[] = {
	{"<!-- wire:begin ledger -->\n", ledger_types, &ledger_type_count},
	{"<!-- wire:begin talk -->\n", talk_types, &talk_type_count},
};

static void print_writer(struct writer *writer)
{
	(void)fwrite(writer->data, 1, writer->len, stdout);
	writer_release(writer);
}

static bool print_other(const char *line)
{
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct writer writer;

		if (strcmp(line, others[i].marker) != 0)
			continue;
		writer_init_growing(&writer, &allocator_default);
		for (size_t k = 0; k < *others[i].count; k++)
			wire_write_type(others[i].types[k], &writer);
		print_writer(&writer);
		return true;
	}
	return false;
}

static bool print_table(const char *line)
{
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		struct writer writer;

		if (strcmp(line, tables[i].marker) != 0)
			continue;
		writer_init_growing(&writer, &allocator_default);
		wire_write_tables(tables[i].family, &writer);
		print_writer(&writer);
		return true;
	}
	return print_other(line);
}

int main(int argc, char **argv)
{
	char line[LINE_LEN_MAX];
	bool inside = false;
	FILE *document;

	if (argc != 2) {
		(void)fprintf(stderr, "usage: wire-table docs/protocol.md\n");
		return 2;
	}
	document = fopen(argv[1], "r");
	if (document == NULL) {
		perror(argv[1]);
		return 1;
	}
	while (fgets(line, sizeof(line), document) != NULL) {
		if (strcmp(line, "<!-- wire:end -->\n") == 0)
			inside = false;
		if (!inside)
			(void)fputs(line, stdout);
		if (!inside && print_table(line))
			inside = true;
	}
	(void)fclose(document);
	return ferror(stdout) != 0 ? 1 : 0;
}
