"""Recipe · Stories of care: a hurt animal, a lost one, a seed, a promise."""

from tinyhf.recipes.little_tales.cast import (
    BAD,
    GLAD,
    GOOD,
    ONE_DAY,
    children,
    grown_up,
    heroes,
    opening,
)
from tinyhf.recipes.little_tales.people import ANIMALS, PET_NAMES, SMALL_ANIMALS, Somebody
from tinyhf.recipes.little_tales.things import COLOURS, PLACES

# What is the matter with the animal, what is done, how one sees that it is well again.
HURTS = [
    ("had hurt its leg", "put a soft bandage around the leg", "it could run and jump again"),
    ("was caught in an old net", "cut the strings one by one", "it could move freely again"),
    ("was shaking with cold", "wrapped it in a woollen scarf", "it was warm and lively again"),
    ("had a thorn in its foot", "pulled the thorn out very gently", "it did not limp any more"),
    ("was thin and hungry", "gave it something to eat every hour", "it was round and strong again"),
    ("had a bump on its head", "put a cool cloth on the bump", "it was as cheerful as before"),
    ("had a nasty cough", "made it a bed beside the stove", "it was healthy again"),
]


def hurt_animal(rng):
    """A child finds an animal in need, cares for it, and must let it go or may keep it."""
    (hero,) = children(rng, 1)
    one = grown_up(rng, hero)
    animal = rng.choice(SMALL_ANIMALS)
    hurt, done, well = rng.choice(HURTS)
    place = rng.choice(PLACES)
    name = rng.choice(PET_NAMES)
    bad, good = rng.choice(BAD), rng.choice(GLAD)
    end = rng.choice(
        [
            f"""Then it was time to say goodbye. {hero} carried {name} back to the {place} and
            opened {hero.his} arms. The {animal.kind} [looked back once|{animal.sounded} one more
            time] and was gone. {hero} was [a little sad|quiet] but also {good.word}. And [every
            spring|every Sunday], {name} came back to say hello.""",
            f""""May I keep {name}?" asked {hero}. "[Yes|Of course], if you take good care of
            {name}," said {one}. {hero} was {good.word}, and {hero.fill(good.shown)}. From then
            on, {name} [slept at the foot of {hero.his} bed|followed {hero.him} everywhere].""",
        ]
    )
    return f"""{opening(rng, hero)} {ONE_DAY}, {hero} was walking {place.at} when {hero.he} [heard
    a weak little sound|saw something move]. {rng.choice(place.spots)} lay a small {animal.kind}.
    It {hurt} and looked at {hero.him} with [big|sad|frightened] eyes. {hero} felt {bad.word}.
    "[Poor little thing|Do not be afraid|I will help you]," {hero.he} said.

    {hero} [carried it home in {hero.his} arms|took off {hero.his} jacket and carried the
    {animal.kind} home]. "[Please help me|Look what I found]," {hero.he} said to {one}. {one}
    [nodded|knew what to do]. Together they {done}. {hero} brought {animal.food} and called the
    {animal.kind} {name}.

    [Day after day|Every morning and every evening], {hero} [sat with|looked after] {name}. [At
    first {name} only slept.|{hero.he} sang to {name} and told stories.] After a week, {name}
    {animal.sounded} for the first time, and [soon|a few days later] {well}.

    {end}"""


def lost_animal(rng):
    """A small animal has lost its mother; two others are asked, the second one knows."""
    kinds = rng.sample(ANIMALS, 3)
    young = kinds[0]
    name = rng.choice([f"the little {young.kind}", *rng.sample(PET_NAMES, 2)])
    hero = Somebody(name, rng.choice(["he", "she"]), young.kind)
    place = rng.choice(PLACES)
    bad, good = rng.choice(BAD), rng.choice(GLAD)
    second, third = kinds[1:]
    return f"""{opening(rng, hero)} {ONE_DAY}, {hero} followed a [{rng.choice(COLOURS)}|]
    butterfly to the {place}. {hero.he} [ran and jumped|ran further and further] and did not look
    back. When the butterfly flew away, {hero} was all alone and did not know the way home.
    {hero.he} was {bad.word}, and {hero.fill(bad.shown)}.

    First {hero} met a {second.kind}. "Please, have you seen my mother?" asked {hero}. "[No, I
    have not|I am sorry, I have not seen her]," said the {second.kind}. "But [you look hungry|you
    must be hungry]." And the {second.kind} gave {hero.him} {second.food}. {hero} [was too sad to
    eat|ate a little] and went on.

    {rng.choice(place.spots)} {hero} met a {third.kind}. "Have you seen my mother?" {hero.he}
    asked again. "What does she look like?" asked the {third.kind}. "She [has the kindest eyes in
    the world|looks like me, but big|is soft and warm]," said {hero}. "[Then I know|Oh yes|I think
    I know]!" said the {third.kind}. "She is [calling for you on the other side of the
    hill|looking for you by the old mill|waiting near the big stone]. Come, I will show you the
    way."

    They walked side by side. Then {hero} heard a voice that {hero.he} knew. "[There you are|My
    dear child|I have looked for you everywhere]!" called {hero.his} mother. {hero} ran to her as
    fast as {hero.he} could. {hero.he} was {good.word}, and {hero.fill(good.shown)}. "Thank you,
    {third.kind}," said the mother. That night {hero} [slept close to {hero.his} mother|dreamed of
    butterflies], [safe and warm|happy to be home] in {young.home}."""


BEDS = [
    "in the garden",
    "in an old pot",
    "behind the house",
    "beside the fence",
    "under the window",
]
# What grows from a seed, what it is like in the end, and what comes of it.
PLANTS = [
    ("sunflower", "it was taller than the fence", "birds came to eat the seeds"),
    ("pumpkin", "it was as big as a chair", "there was soup for the whole street"),
    ("bean", "it climbed up to the window", "there were beans for supper"),
    ("strawberry", "it was full of sweet red fruit", "everybody got a taste"),
    ("rose", "it opened its petals and smelled wonderful", "it stood on the table in a glass"),
    ("tomato", "it was round and red", "they made a big salad"),
    ("apple tree", "it was as tall as the door", "it had apples for everybody"),
    ("tulip", "it shone like a little flame", "bees came to visit it"),
]


def planting(rng):
    """A seed needs patience; somebody else does not believe in it."""
    hero, other = heroes(rng, 2)
    one = grown_up(rng, hero)
    plant, grown, use = rng.choice(PLANTS)
    bad, good = rng.choice(BAD), rng.choice(GOOD)
    where = rng.choice(BEDS)
    return f"""{opening(rng, hero)} {ONE_DAY}, {one} gave {hero} a tiny seed. "[What will it
    be|What is inside]?" asked {hero}. "[Plant it and see|Wait and see]," said {one}. {hero} made
    a hole {where}, put the seed into the earth and gave it some water.

    The next morning {hero} [ran out to look|looked at once], but there was [nothing to see|only
    brown earth]. {hero.he} waited [a day|three days|a whole week]. Nothing happened. "[That seed
    is asleep|It will never grow|You are wasting your time]," said {other}. {hero} was {bad.word}.
    "[Must I throw it away|Is it dead|Did I do something wrong]?" {hero.he} asked. "[Be
    patient|Give it time|Good things need time]," said {one}. "It needs sun, water and love."

    So {hero} watered it every [morning|evening] and [sang to it|pulled out the weeds|told it
    stories]. Then, after [a warm rain|a long week], a small green leaf came out of the ground.
    "[It is alive|Look at that]!" cried {hero}. The plant grew and grew. It was a {plant}! At the
    end of the summer {grown}.

    {hero} was {good.word}, and {hero.fill(good.shown)}. Even {other} [came to see it|had to
    smile]. "I was wrong," {other.he} said. "[You never gave up|You waited so long]." Soon {use}.
    And {hero} [kept one seed for the next year|gave one seed to {other}]."""


# What was promised, what happened because it was forgotten, and how it is made good.
DUTIES = [
    ("feed the hens", "The hens were hungry", "scattered the corn"),
    ("water the flowers", "The flowers hung their heads", "filled the watering can"),
    ("close the gate", "The sheep stood on the road", "led the sheep back one by one"),
    ("bring in the washing", "The shirts were lying in the mud", "washed every shirt again"),
    ("watch the soup", "The soup was boiling over", "wiped the stove and stirred the pot"),
    ("look after the baby", "The baby was crying in the cradle", "rocked the cradle and sang"),
    ("light the lamp", "The house was dark and cold", "lit the lamp and the fire"),
    ("post the letter", "The letter was still on the table", "ran all the way to the post"),
]  # fmt: skip


def promise(rng):
    """A promise is almost forgotten over a game."""
    hero, friend = children(rng, 2)
    one = grown_up(rng, hero)
    duty, trouble, repaired = rng.choice(DUTIES)
    place = rng.choice(PLACES)
    bad, good = rng.choice(BAD), rng.choice(GLAD)
    return f"""{opening(rng, hero)} {ONE_DAY}, {one} had to go [to town|to the doctor|to visit a
    friend]. "Please {duty} before the clock strikes five," said {one}. "[I promise|Yes, I will do
    it|You can trust me]," said {hero}.

    But then {friend} came by. "Come to the {place} with me!" {friend.he} called. {hero} thought,
    "There is still a lot of time." They [played pirates|climbed trees|built a hut|chased each
    other] {place.at}, and {hero} forgot everything. Suddenly the clock struck: one, two, three,
    four, five. "[Oh no|Oh dear], my promise!" cried {hero}. "I had to {duty}!"

    {hero} ran home [as fast as {hero.he} could|without stopping], and {friend} ran with
    {hero.him}. {trouble}. {hero} was {bad.word}, and {hero.fill(bad.shown)}. "[It was also my
    fault|I will help you|Two are faster than one]," said {friend}. Together they {repaired}.

    When {one} came home, {hero} told the truth. "I forgot my promise, but [then I remembered|we
    made it good again]," {hero.he} said. {one} [was silent for a moment|looked at {hero.him}] and
    then [smiled|hugged {hero.him}]. "[It is brave to tell the truth|Thank you for being honest],"
    said {one}. {hero} was {good.word}. [From then on {hero} did {hero.his} work first and played
    later.|{hero} never forgot a promise again.]"""


PLOTS_OF_CARE = [hurt_animal, lost_animal, planting, promise]
