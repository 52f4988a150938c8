"""Draws house.svg, the rooms of tinyhf floor by floor: python docs/images/draw_house.py

Every box brings its own background, so that the picture is readable on a light and a dark page.
"""

from pathlib import Path

FLOORS = [  # from the ground up, as in DESIGN: a room imports only from floors below its own
    [("errors", "what, where, and the way out"), ("backend", "arrays, devices, types, draws")],
    [
        ("hub", "name → file"),
        ("checkpoint", "files → named arrays"),
        ("autograd", "the tape, gradients"),
    ],
    [("functional", "formulas: rotary, attention, norms, softmax")],
    [("nn", "modules with Hugging Face's names, layers, KV cache")],
    [("configuration", "config.json → typed config"), ("tokenization", "text → ids → text")],
    [("models", "one file a family: Llama, BERT, T5, …; from_pretrained")],
    [
        ("generation", "logits → text"),
        ("training", "Trainer"),
        ("peft", "LoRA …"),
        ("inspection", "trace, compare"),
    ],
    [("pipelines", "text → text, one file a task")],
    [("cli", "the command tinyhf")],
]
STONE, GREEN, BLUE, VIOLET = "#d9d4cc", "#cfe3d4", "#cfdff0", "#e6dcf1"
SAND, ROSE, RED = "#f7dfb8", "#f4cfc6", "#eebcb0"
COLOURS = [STONE, GREEN, GREEN, BLUE, VIOLET, SAND, ROSE, ROSE, RED]
WIDTH, HEIGHT, GAP, ROOF = 760, 44, 5, 56
FONT = 'font-family="Helvetica, Arial, sans-serif"'


def floor(number, rooms):
    """The SVG of one floor: its rooms side by side, its number at the left."""
    y = ROOF + (len(FLOORS) - 1 - number) * (HEIGHT + GAP)
    width = (WIDTH - 40 - GAP * len(rooms)) / len(rooms)
    yield box(0, y, 40, "#5b6470")
    yield text(20, y, str(number), "#ffffff", 'text-anchor="middle" font-weight="bold"')
    for place, (name, about) in enumerate(rooms):
        x = 40 + GAP + place * (width + GAP)
        yield box(x, y, width, COLOURS[number])
        words = (
            f'<tspan font-weight="bold">{name}</tspan><tspan dx="10" fill="#444">{about}</tspan>'
        )
        yield text(x + 14, y, words, "#1b1f24")


def box(x, y, width, colour):
    return f'<rect x="{x:g}" y="{y}" width="{width:g}" height="{HEIGHT}" rx="5" fill="{colour}"/>'


def text(x, y, words, colour, more=""):
    return (
        f'<text x="{x:g}" y="{y + 28}" font-size="14" {FONT} fill="{colour}" {more}>{words}</text>'
    )


def house():
    """The whole SVG, as text."""
    height = ROOF + len(FLOORS) * (HEIGHT + GAP) - GAP
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    roof = f'<path d="M0 {ROOF - GAP} L{WIDTH / 2:g} 4 L{WIDTH} {ROOF - GAP} Z" fill="#a8483a"/>'
    sign = text(WIDTH / 2, 12, "tinyhf", "#ffffff", 'text-anchor="middle" font-weight="bold"')
    floors = [part for number, rooms in enumerate(FLOORS) for part in floor(number, rooms)]
    title = "<title>The house: the rooms of tinyhf, floors 0 to 8</title>"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'
    return "\n".join([head, title, roof, sign, *floors, "</svg>"]) + "\n"


if __name__ == "__main__":
    (Path(__file__).parent / "house.svg").write_text(house(), encoding="utf-8")
