# sotto: make demo, make check. Everything else is meson's, in build/.
BUILD ?= build/release
VECTORS ?= $(wildcard ../shared/vectors)

all: $(BUILD)/build.ninja
	ninja -C $(BUILD)

$(BUILD)/build.ninja: | deps
	meson setup $(BUILD) -Dvectors=$(abspath $(VECTORS)) $(MESON_FLAGS)

deps:
	tools/deps

check: all
	tests/run $(BUILD)

.PHONY: all deps check
