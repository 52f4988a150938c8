"""Floor 1 · A pickle, read without running it.

Mirrors torch/_weights_only_unpickler.py. A pickle is a program for a stack machine, and Python's
own machine calls whatever function the program names. This one knows the instructions that build
plain data, and the few functions it is given. Everything else is refused by its name, so that no
line of a file is ever run. What the weights of a Linear look like inside, from top to bottom:

    GLOBAL      torch._utils _rebuild_tensor_v2          push that function
    GLOBAL      torch FloatStorage …  BINPERSID          push the storage "0": 12 floats
    BININT1     0 …  TUPLE2  …                           push offset, (rows, columns), strides
    REDUCE                                               call it: push a tensor
    SETITEMS                                             put name and tensor into the dict
    STOP
"""

import pickletools

from tinyhf.errors import CheckpointError

#: Instructions that push the value written behind them.
LITERALS = {
    *("BININT", "BININT1", "BININT2", "LONG1", "LONG4", "BINFLOAT"),
    *("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINSTRING", "SHORT_BINSTRING"),
}
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
EMPTY = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple}
TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
NOTHING_TO_DO = {"PROTO", "FRAME"}

_MARK = object()


class Unpickler:
    """One pickle.

    Args:
        known: "module.name" → what stands for it here: a function that may be called, or a value.
        persistent_load: makes a storage of the tuple that describes it.
        where: the file, for errors.
    """

    def __init__(self, known, persistent_load, where):
        self.known, self.persistent_load, self.where = known, persistent_load, where
        self.stack, self.memo = [], {}

    def load(self, pickle):
        """The object that ``pickle`` (bytes, or a file at its beginning) describes.

        Raises:
            CheckpointError: it names something unknown, or is damaged.
        """
        try:
            for opcode, argument, _ in pickletools.genops(pickle):
                if opcode.name == "STOP":
                    return self.stack.pop()
                self.step(opcode.name, argument)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise CheckpointError(
                f"holds a damaged pickle ({error})",
                where=self.where,
                fix="It was not copied whole, or no torch.save wrote it; download it again",
            ) from error

    def step(self, opcode, argument):
        """One instruction."""
        if opcode in LITERALS:
            self.stack.append(argument)
        elif opcode in CONSTANTS:
            self.stack.append(CONSTANTS[opcode])
        elif opcode in EMPTY:
            self.stack.append(EMPTY[opcode]())
        elif opcode in TUPLES:
            self.stack[-TUPLES[opcode] :] = [tuple(self.stack[-TUPLES[opcode] :])]
        elif opcode not in NOTHING_TO_DO:
            instruction = INSTRUCTIONS.get(opcode)
            if instruction is None:
                raise self.refusal(f"uses the instruction {opcode}", argument)
            instruction(self, argument)

    # ---- data --------------------------------------------------------------------------------

    def mark(self, _):
        self.stack.append(_MARK)

    def pop_mark(self):
        """Everything above the last mark, which goes, too."""
        items = []
        while (item := self.stack.pop()) is not _MARK:
            items.append(item)
        return items[::-1]

    def tuple(self, _):
        self.stack.append(tuple(self.pop_mark()))

    def append(self, _):
        self.extend_list([self.stack.pop()])

    def appends(self, _):
        self.extend_list(self.pop_mark())

    def extend_list(self, items):
        if type(self.stack[-1]) is not list:
            raise ValueError("appends to something other than a list")
        self.stack[-1].extend(items)

    def set_item(self, _):
        value = self.stack.pop()
        self.update_dict([self.stack.pop(), value])

    def set_items(self, _):
        self.update_dict(self.pop_mark())

    def update_dict(self, items):
        names = items[::2]
        if type(self.stack[-1]) is not dict or any(type(name) is not str for name in names):
            raise ValueError("sets items of something other than a dict of names")
        self.stack[-1].update(zip(names, items[1::2], strict=True))

    # ---- what occurs more than once ----------------------------------------------------------

    def put(self, number):
        self.memo[number] = self.stack[-1]

    def memoize(self, _):
        self.put(len(self.memo))

    def get(self, number):
        self.stack.append(self.memo[number])

    # ---- names, calls, storages --------------------------------------------------------------

    def global_(self, name):
        """What stands for a name such as "torch._utils _rebuild_tensor_v2"."""
        name = name.replace(" ", ".")
        if name not in self.known:
            raise self.refusal("names a function or class", name)
        self.stack.append(self.known[name])

    def stack_global(self, _):
        name = self.stack.pop()
        self.global_(f"{self.stack.pop()} {name}")

    def reduce(self, _):
        """Call one of the known functions."""
        arguments, function = self.stack.pop(), self.stack.pop()
        if type(arguments) is not tuple or not callable(function):
            raise ValueError("calls something other than a function")
        self.stack.append(function(*arguments))

    def build(self, _):
        """The attributes of an object: here only an OrderedDict's, which no weights need."""
        self.stack.pop()
        if type(self.stack[-1]) is not dict:
            raise ValueError("sets attributes of something other than an OrderedDict")

    def persistent_id(self, _):
        self.stack.append(self.persistent_load(self.stack.pop()))

    def refusal(self, problem, name):
        return CheckpointError(
            f"{problem} that no weights need; nothing of the file was run",
            where=self.where,
            got=name,
            fix="Use a safetensors file of this model; do not open this one with other programs",
        )


INSTRUCTIONS = {
    "MARK": Unpickler.mark,
    "TUPLE": Unpickler.tuple,
    "APPEND": Unpickler.append,
    "APPENDS": Unpickler.appends,
    "SETITEM": Unpickler.set_item,
    "SETITEMS": Unpickler.set_items,
    "BINPUT": Unpickler.put,
    "LONG_BINPUT": Unpickler.put,
    "MEMOIZE": Unpickler.memoize,
    "BINGET": Unpickler.get,
    "LONG_BINGET": Unpickler.get,
    "GLOBAL": Unpickler.global_,
    "STACK_GLOBAL": Unpickler.stack_global,
    "REDUCE": Unpickler.reduce,
    "BUILD": Unpickler.build,
    "BINPERSID": Unpickler.persistent_id,
}
