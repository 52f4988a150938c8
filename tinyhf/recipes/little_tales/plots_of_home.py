"""Recipe · Stories of home: making something, surprising weather, a mistake, a wish."""

from tinyhf.recipes.little_tales.cast import (
    BAD,
    GLAD,
    GOOD,
    ONE_DAY,
    children,
    grown_up,
    heroes,
    opening,
    toy,
)
from tinyhf.recipes.little_tales.people import NEIGHBOURS
from tinyhf.recipes.little_tales.things import COLOURS, PLACES, WEATHERS

# What is made, what is needed, how it is done, what goes wrong, and what it is good for.
PROJECTS = [
    ("bird house", "some boards, a hammer and nails", "sawed the boards and nailed them up",
     "the roof fell off", "the very next day a bird moved in"),
    ("kite", "paper, two sticks and a long string", "glued the paper on and tied a tail to it",
     "the paper got a hole", "it flew up until it was only a dot"),
    ("vegetable soup", "carrots, onions and a big pot", "washed, peeled and chopped everything",
     "the pot tipped over", "it was so good that no drop was left"),
    ("tree house", "a ladder, a rope and many planks", "pulled up planks and nailed down a floor",
     "one wall began to lean", "they could see the whole village from it"),
    ("raft", "four logs and a strong rope", "rolled the logs together and tied them up",
     "the rope came loose", "it carried them all the way across the pond"),
    ("scarecrow", "straw, an old coat and a hat", "stuffed the coat and put it on a pole",
     "the wind blew half of the straw away", "it looked as if it wanted to speak"),
    ("apple cake", "flour, eggs, butter and apples", "stirred the dough and cut up the apples",
     "the bowl slipped from the table", "the whole house smelled of cinnamon"),
    ("puppet theatre", "a big box, some cloth and paint", "cut a window and sewed a curtain",
     "the box fell apart", "all the neighbours came to the first show"),
    ("swing", "a board and two ropes", "tied the ropes to a thick branch and hung up the board",
     "one knot came open", "they could almost touch the sky with their toes"),
    ("quilt", "needles, thread and old clothes", "cut out squares and sewed them side by side",
     "they noticed that one corner was missing", "it was the warmest quilt in the house"),
    ("snow globe", "a glass jar, water and some glitter", "filled the jar and painted a tiny house",
     "the lid began to leak", "the glitter fell like real snow"),
    ("paper boat", "a large sheet of paper and some wax", "folded the paper and rubbed it with wax",
     "the paper tore in the middle", "it sailed away like a proud swan"),
]  # fmt: skip


def making_something(rng):
    """Two make something together; one thing goes wrong; in the end it is good."""
    hero, friend = heroes(rng, 2)
    one = grown_up(rng, hero)
    project, needed, work, mishap, result = rng.choice(PROJECTS)
    good = rng.choice(GOOD)
    return f"""{opening(rng, hero)} {ONE_DAY}, {hero} had an idea. "Let us make a {project}!"
    {hero.he} said to {friend}. "[What a good idea|Oh yes|That will be fun]," said {friend}. "But
    [how do we do that|what do we need]?" They asked {one}. "You need {needed}," {one}
    [said|explained], and {one.he} helped them to find everything.

    They set to work. {hero} [began|went first], and {friend} [held everything in place|helped as
    well as {friend.he} could]. They {work}. It was [hard work|not easy], but they [laughed a
    lot|sang while they worked]. Then {mishap}. "[Now it is all for nothing|We will never finish
    it|Oh no]!" cried {friend}.

    "[Let us try once more|We must not give up|We can still save it]," said {hero}. "[Slowly this
    time|This time we will be more careful|I know what we did wrong]." They [began again|did it
    once more], and {one} gave them [a little help|some good advice|a warm drink].

    [In the evening|At last|Before supper], the {project} was ready, and {result}. {hero} was
    {good.word}, and {hero.fill(good.shown)}. "[We made it ourselves|Together we can do anything|I
    could never have done it alone]," {hero.he} said. {friend} nodded. "[And tomorrow|Next
    week|Next time] we will make [something even bigger|another one|one for the neighbours]!" """


def weather_surprise(rng):
    """The weather changes on a trip; they find shelter with somebody kind."""
    hero, friend = heroes(rng, 2)
    weather = rng.choice(WEATHERS)
    place = rng.choice(PLACES)
    host = rng.choice(NEIGHBOURS)
    bad, good = rng.choice(BAD), rng.choice(GLAD)
    return f"""{opening(rng, hero)} {ONE_DAY}, {hero} and {friend} [went|walked|set off] to the
    {place}. They had [a picnic basket|some sandwiches|a bottle of juice] with them. {place.view}
    They sat down {rng.choice(place.spots)} and [began to eat|told each other riddles|made plans
    for the day].

    But all at once {weather.sign}. "[Look|Oh dear], here comes the {weather.name}," said {hero}.
    "[We must go home|Quick, let us find a roof|Hold my hand]!" {weather.did}. {friend} was
    {bad.word}, and {friend.fill(bad.shown)}. "[I will not let you go|We are together, so nothing
    can happen|Stay close to me]," said {hero}.

    Then they saw a light. It was the house of {host}. They knocked, and {host} opened the door.
    "[Come in, come in|Come in quickly|You poor things]!" said {host}. {host.he} gave them [hot
    soup|warm tea|cocoa] and [thick blankets|dry socks|a place beside the stove]. Outside there
    was the {weather.name}, but inside it was [warm and bright|safe and cosy]. {host} told them [a
    story about a [whale|king|lost treasure|flying carpet|clever fox]|about the old days].

    [An hour later|After a while|Before they knew it], {weather.ended}. "Thank you,
    {host.called}," said {hero} and {friend}. They were {good.word}. [On the way home|As they
    walked back], {friend} said, "[That was the best part of the day|I am almost glad about the
    {weather.name}|We must visit {host} again]." """


# What somebody did, what one saw, how it is repaired, and the result.
MISTAKES = [
    ("broke {one}'s blue vase", "The pieces lay all over the floor", "glued the pieces together",
     "It had thin lines now, but flowers stood in it again"),
    ("spilled ink on {one}'s letter", "A black spot covered the words", "wrote the letter again",
     "It was even neater than before"),
    ("tore {one}'s best coat", "There was a long hole in the sleeve", "sewed up the hole",
     "A small red heart covered the place"),
    ("stepped on {one}'s glasses", "One side was bent", "bent the wire back",
     "They sat a little crooked, but one could see with them"),
    ("let {one}'s parrot out of the cage", "The window was wide open", "put fruit on the sill",
     "The parrot came back and said hello"),
    ("burned {one}'s cake", "It was as hard as a stone", "baked a new cake",
     "It was sweet and light"),
    ("lost {one}'s key", "The door stayed closed", "searched every corner",
     "The key was in the flower bed"),
    ("knocked over {one}'s ladder", "The paint ran over the floor", "scrubbed the boards",
     "The floor was cleaner than ever"),
]  # fmt: skip


def mistake_repaired(rng):
    """Something of somebody else's is broken; it is better to say so."""
    hero, friend = children(rng, 2)
    one = grown_up(rng, hero)
    did, trouble, repair, result = rng.choice(MISTAKES)
    did = did.format(one=one)
    bad, good = rng.choice(BAD), rng.choice(GLAD)
    begin = rng.choice(
        [
            f"""{hero} was {bad.word} because {hero.he} had [done something wrong|made a mistake].
            {hero.he} {did}. {trouble}.""",
            f"""{opening(rng, hero)} {ONE_DAY}, {hero} was [dancing|playing|singing] in the house.
            {hero.he} was not careful, and {hero.he} {did}. {trouble}. {hero} was {bad.word}, and
            {hero.fill(bad.shown)}.""",
        ]
    )
    return f"""{begin}

    "[Nobody saw it|Maybe {one} will not notice]," thought {hero}. {hero.he} [hid in {hero.his}
    room|went to bed early|did not say a word at lunch]. But {hero.he} [could not sleep|was not
    hungry|could think of nothing else]. "What is it, {hero}?" asked {friend}. {hero} told
    {friend} everything. "[You should tell {one}|It is better to tell the truth|Tell {one}, and
    you will feel better]," said {friend}. "I will come with you."

    {hero} took a deep breath and went to {one}. "I [must|have to] tell you something," said
    {hero}. "I {did.replace(f"{one}'s", "your")}. I am so sorry." {one} [looked at {hero.him} for
    a long time|put down {one.his} book|was quiet]. "[Thank you for telling me|That was brave of
    you|Everybody makes mistakes]," {one.he} said. "[Let us see what we can do|Now let us make it
    right|Come, we will repair it]."

    Together they {repair}. {result}. {hero} was {good.word}, and {hero.fill(good.shown)}. "[A
    mistake is only bad if one hides it|The truth makes the heart light]," said {one}. And {hero}
    [never forgot it|gave {one.him} a big hug|slept very well that night]."""


# What one may wish for, how it comes true, and what it is good for.
WISHES = [
    ("a friend", "{other} moved into the house next door.", "to play with"),
    ("a little brother", "a tiny baby lay in the cradle.", "to sing to"),
    ("snow", "the whole garden was white.", "to slide on"),
    ("a pet", "a kitten sat in front of the door.", "to look after"),
    ("a garden", '{other} said, "Come and share mine."', "to work in"),
    ("an adventure", "{other} came with a map and two big bags.", "to tell about"),
]


def wish(rng):
    """A wish upon a star; it comes true in its own way."""
    hero, other = children(rng, 2)
    one = grown_up(rng, hero)
    thing, happened, use = rng.choice(WISHES)
    mine, _ = toy(rng)
    colour = rng.choice(COLOURS)
    good = rng.choice(GLAD)
    return f"""{opening(rng, hero)} {hero} had [many toys|a {mine}|a {colour} bed and a {mine}],
    but something was missing. {hero.he} wished for {thing}.

    One night, {hero} [could not sleep|stood at the window|sat on the roof with {one}]. A star
    fell from the sky. "[Quick, make a wish|Now you may wish for something]!" said {one}. {hero}
    closed {hero.his} eyes. "I wish for {thing}," {hero.he} whispered. "[You must wait and be
    kind|Wishes need a little time|Do not tell anybody else]," said {one}.

    The next day nothing happened, and the day after that was [just the same|no different]. {hero}
    [helped {one} in the kitchen|swept the yard|visited the neighbours] and [almost forgot the
    star|waited]. Then, [on Sunday|on the third day|one morning], {happened.format(other=other)}
    {hero} [rubbed {hero.his} eyes|could not believe it|held {hero.his} breath].

    "My wish came true!" {hero.he} [called|shouted]. Now {hero} had {thing} {use}. {hero} was
    {good.word}, and {hero.fill(good.shown)}. In the evening {hero.he} looked up at the sky.
    "Thank you, little star," {hero.he} said. [And it seemed that one star was shining a little
    brighter than the others.|Far away, a star was winking.]"""


PLOTS_OF_HOME = [making_something, weather_surprise, mistake_repaired, wish]
