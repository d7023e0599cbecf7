# SPDX-License-Identifier: Apache-2.0
# fairway: one Makefile, no configure step. Everything made lies under build/.
#   make            the program, build/fairway
#   make run        set the machine up, build, open the console on the demo
#   make test       set the machine up, then every test that needs no extra server
#   make test SAN=address,undefined | SAN=thread      the same list under sanitizers
#   make test-kubernetes     tests on a real cluster, where one can be had
#   make setup      only install what is missing (packages.txt): for run and for test
SHELL    := /bin/sh
PREFIX   ?= /usr/local
DESTDIR  ?=
SAN      ?=
comma    := ,
BUILD    := build$(if $(SAN),/san-$(subst $(comma),-,$(SAN)))
VERSION  := $(shell git describe --tags --always --dirty 2>/dev/null || echo unreleased)

PKGS     := ncursesw libcurl libcjson yaml-0.1 sqlite3 libmicrohttpd libcmark-gfm libpcre2-8 libutf8proc libcrypto
TESTPKGS := cmocka vterm
CC       := $(if $(filter command%,$(origin CC)),$(CC),$(shell command -v ccache >/dev/null 2>&1 && echo 'ccache cc' || echo cc))
# Under a sanitizer gcc warns of paths that only its checks make: there warnings are not errors.
OPT      ?= -O2 -g
CFLAGS   += -std=c11 -D_GNU_SOURCE -Wall -Wextra -Wpedantic -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
            -Wno-missing-field-initializers -fno-common $(OPT) $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -Wno-error)
CPPFLAGS += -I. $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
LDFLAGS  += $(if $(SAN),-fsanitize=$(SAN))
LDLIBS   += $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lcmark-gfm-extensions -lpthread -lm

SRC      := $(sort $(wildcard base/*.c model/*.c tui/*.c backend/*.c backend/providers/*.c backend/providers/*/*.c \
            platform/*.c views/*.c cli/*.c))
OBJ      := $(SRC:%.c=$(BUILD)/%.o)
# Files carried inside the program: default keys, golden paths, the sample platform.
CARRIED  := $(shell find keymaps paths platform/samples -type f ! -name '*.pyc' 2>/dev/null | LC_ALL=C sort)
UNIT     := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/*.c tests/providers/*.c))
SUPPORT  := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/support/*.c))
TOOLS    := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/tools/*.c tests/faults/*.c))
# Fuzz targets: unit tests over their corpus, and `make fuzz` looks for more.
FUZZ     := $(filter-out tests/fuzz/replay.c,$(wildcard tests/fuzz/*.c))
REPLAY   := $(patsubst %.c,$(BUILD)/%,$(FUZZ))

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all setup run test unit clean FORCE
all: $(BUILD)/fairway

$(BUILD)/fairway: $(BUILD)/main.o $(BUILD)/libfairway.a
	@echo '  ld $@'
	@$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/libfairway.a: $(OBJ) $(BUILD)/carried.o
	@rm -f $@ && ar qcs $@ $^

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	@echo '  cc $<'
	@$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/stamp.h: FORCE
	@mkdir -p $(@D)
	@printf '#define FAIRWAY_VERSION "%s"\n' '$(VERSION)' > $@.new
	@cmp -s $@ $@.new && rm -f $@.new || mv $@.new $@
FORCE:
$(BUILD)/base/version.o: CPPFLAGS += -I$(BUILD)
$(BUILD)/base/version.o: $(BUILD)/stamp.h

$(BUILD)/carried.S: tools/carry.sh $(CARRIED) FORCE
	@mkdir -p $(@D)
	@sh tools/carry.sh $(CARRIED) > $@.new
	@cmp -s $@ $@.new && rm -f $@.new || mv $@.new $@
$(BUILD)/carried.o: $(BUILD)/carried.S $(CARRIED)
	@$(CC) -c -o $@ $<

FUZZSUPPORT := $(BUILD)/tests/support/fixture.o $(BUILD)/tests/support/fixture_told.o
$(BUILD)/tests/%: tests/%.c $(SUPPORT) $(BUILD)/libfairway.a
	@mkdir -p $(@D)
	@echo '  cc $<'
	@$(CC) $(CPPFLAGS) $(shell pkg-config --cflags $(TESTPKGS)) $(CFLAGS) -MMD -MP $(LDFLAGS) -o $@ $< $(SUPPORT) \
		$(BUILD)/libfairway.a $(LDLIBS) $(shell pkg-config --libs $(TESTPKGS))

$(REPLAY): $(BUILD)/tests/fuzz/%: tests/fuzz/%.c tests/fuzz/replay.c $(FUZZSUPPORT) $(BUILD)/libfairway.a
	@mkdir -p $(@D)
	@echo '  cc $<'
	@$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $< tests/fuzz/replay.c $(FUZZSUPPORT) \
		$(BUILD)/libfairway.a $(LDLIBS)

setup:
	@sh tools/setup.sh

run:
	@sh tools/setup.sh run
	@$(MAKE) --no-print-directory all
	@exec $(BUILD)/fairway demo

unit: $(UNIT) $(REPLAY) $(TOOLS)
	@sh tests/run.sh $(UNIT) $(REPLAY)

# Figures beside those of other programs, and memory under valgrind: neither is part of make test.
BENCHES  := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/bench/*.c))
bench: setup
	@$(MAKE) --no-print-directory all $(BENCHES) $(TOOLS)
	@BUILD=$(BUILD) sh tests/bench/run.sh
valgrind: $(UNIT) $(REPLAY) $(TOOLS)
	@BUILD=$(BUILD) sh tests/valgrind.sh

# FUZZ_SECONDS for each target; FUZZ_TARGETS chooses some. What is found lies in build/fuzz/.
FUZZ_SECONDS ?= 60
FUZZ_TARGETS ?= $(notdir $(FUZZ:.c=))
.PHONY: fuzz fuzz-built bench valgrind
fuzz:
	@if command -v clang >/dev/null 2>&1; then $(MAKE) --no-print-directory fuzz-built; \
	else echo 'ok 1 - fuzz # skip clang is not installed'; echo '0 passed, 0 failed, 1 skipped'; fi
fuzz-built:
	@CFLAGS='-fsanitize=fuzzer-no-link -fno-sanitize-recover=undefined' $(MAKE) --no-print-directory \
		CC=clang BUILD=build/fuzz OPT='-O1 -g' SAN=address,undefined $(FUZZ_TARGETS:%=build/fuzz/fuzz/%)
	@FUZZ_SECONDS=$(FUZZ_SECONDS) sh tests/fuzz/run.sh $(FUZZ_TARGETS)
$(BUILD)/fuzz/%: tests/fuzz/%.c $(FUZZSUPPORT) $(BUILD)/libfairway.a
	@mkdir -p $(@D)
	@echo '  cc $<'
	@$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -fsanitize=fuzzer -o $@ $< $(FUZZSUPPORT) \
		$(BUILD)/libfairway.a $(LDLIBS)

test: setup
	@$(MAKE) --no-print-directory test-built

.PHONY: test-built
test-built: all $(UNIT) $(REPLAY) $(TOOLS)
	@BUILD=$(BUILD) SAN='$(SAN)' sh tests/run.sh $(UNIT) $(REPLAY) $(sort $(wildcard tests/e2e/*.sh tests/crash/*.sh tests/faults/*.sh \
		tests/docs/*.sh))

# A real Kubernetes for the tests (tests/rig/README.md): minutes once, from Go modules. FAIRWAY_TEST_KUBECONFIG names
# another cluster to test on; TESTS chooses some.
.PHONY: rig test-kubernetes test-kubernetes-built
rig:
	@tests/rig/kubernetes-up install
test-kubernetes: setup
	@$(MAKE) --no-print-directory test-kubernetes-built
test-kubernetes-built: TESTS ?= $(sort $(filter-out %/run.sh %/lib.sh,$(wildcard tests/kubernetes/*.sh)))
test-kubernetes-built: all $(TOOLS)
	@BUILD=$(BUILD) sh tests/kubernetes/run.sh $(TESTS)

# Man pages: prose of man/ with what the rows of the program say.
PAGES    := $(patsubst man/%.in,$(BUILD)/man/%,$(wildcard man/*.in))
.PHONY: man install uninstall headers
man: $(PAGES)
$(BUILD)/man/%: man/%.in tools/man.sh $(BUILD)/fairway
	@mkdir -p $(@D)
	@sh tools/man.sh $(BUILD)/fairway $< > $@

install: all man
	install -d '$(DESTDIR)$(PREFIX)/bin'
	install -m 0755 $(BUILD)/fairway '$(DESTDIR)$(PREFIX)/bin/fairway'
	@for page in $(PAGES); do \
		section='$(DESTDIR)$(PREFIX)/share/man/man'$${page##*.}; \
		install -d "$$section" && install -m 0644 "$$page" "$$section/" || exit 1; \
		echo "install $$section/$${page##*/}"; \
	done

uninstall:
	rm -f '$(DESTDIR)$(PREFIX)/bin/fairway'
	@for page in $(PAGES); do \
		rm -f '$(DESTDIR)$(PREFIX)/share/man/man'"$${page##*.}/$${page##*/}"; \
	done

# Each header compiles alone.
HEADERS  := $(wildcard base/*.h model/*.h tui/*.h backend/*.h platform/*.h views/*.h cli/*.h)
headers: $(HEADERS:%=$(BUILD)/headers/%)
$(BUILD)/headers/%: %
	@mkdir -p $(@D)
	@$(CC) $(CPPFLAGS) $(CFLAGS) -fsyntax-only -include $< -x c /dev/null && touch $@

clean:
	rm -rf build

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
