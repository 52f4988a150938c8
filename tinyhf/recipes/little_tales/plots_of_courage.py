"""Recipe · Stories of courage: a fear overcome, learning a skill, a journey, a race, a noise."""

from tinyhf.recipes.little_tales.cast import (
    BAD,
    GLAD,
    GOOD,
    ONE_DAY,
    grown_up,
    heroes,
    opening,
    with_kind,
)
from tinyhf.recipes.little_tales.people import GROWN_UPS, SMALL_ANIMALS
from tinyhf.recipes.little_tales.things import COLOURS, PLACES

# What one may fear, why, what helps, how it went, and what one can do afterwards.
FEARS = [
    ("the dark", "there might be something under the bed",
     "[Look|Come and see], the dark is only the day with its eyes closed",
     "They put out the lamp and looked out of the window. The sky was full of stars",
     "sleep without a light"),
    ("thunder", "it sounded like an angry giant",
     "[Count with me|Let us count together] from the flash to the bang",
     "One, two, three, four, they counted, and each time the thunder was further away",
     "listen to a storm"),
    ("deep water", "nobody could see the bottom",
     "Hold my hand and [kick with your legs|lie on your back]",
     "The water was cool and soft, and it carried them like a big blue pillow",
     "swim across the pond"),
    ("high places", "the ground looked so far away",
     "Do not look down, look [at me|at the clouds], and take one step at a time",
     "Step by step they climbed to the top. The houses looked like toys",
     "climb the tallest ladder"),
    ("geese", "they hissed and had such long necks",
     "Stand still and let the goose look at you",
     "The goose tilted her head, thought about it and walked away",
     "walk past the geese at the pond"),
    ("loud crowds", "there were so many voices at once",
     "Stay close to me and [think of a song|breathe slowly]",
     "Little by little the noise became like music, and everybody was friendly",
     "go to the fair"),
    ("the attic", "the old stairs creaked",
     "We will go up together and [carry a candle|hold hands]",
     "There were only boxes, old hats and a mouse who was more afraid than they were",
     "play up there alone"),
    ("singing in front of others", "somebody might laugh",
     "[Close your eyes|Look only at me] and sing just for one friend",
     "The first note was very small, but the second was bigger, and then the song was loud",
     "sing for the whole village"),
]  # fmt: skip


def fear_overcome(rng):
    """Somebody is afraid of something until a friend helps."""
    hero, friend = heroes(rng, 2)
    fear, why, advice, went, can = rng.choice(FEARS)
    good = rng.choice(GOOD)
    begin = rng.choice(
        [
            f"{with_kind(hero)} was [scared|worried|upset] because {hero.he} was afraid of {fear}.",
            f"{opening(rng, hero)} {hero} was afraid of {fear}.",
        ]
    )
    return f"""{begin} {fear} frightened {hero.him} because {why}. When the others [laughed and
    played|had fun], {hero} [stayed behind|shook {hero.his} head|only watched|hid in a corner].
    [Nobody knew why.|]

    {ONE_DAY}, {friend} asked, "[Why are you trembling|What is wrong|Why do you not come with us],
    {hero.called}?" {hero} [looked at the floor|blushed|took a deep breath]. "I am afraid of
    {fear}," {hero.he} whispered. {friend} did not laugh. "[Everybody is afraid of something|I was
    afraid of that too|It is all right to be afraid]," said {friend}. "{advice}. I will stay with
    you."

    {hero}'s heart beat fast, but {hero.he} [was brave|wanted to try|trusted {hero.his} friend].
    {went}. "[It is not so bad|This is beautiful|I can do it]!" said {hero}. {hero.he} was
    {good.word}, and {hero.fill(good.shown)}.

    [From that day on|After that|Now], {hero} could {can}. And when somebody else was afraid,
    {hero} [took them by the hand|told them this story|knew just what to say]."""


# What one may learn, how it fails at first, what helps, and how it goes well.
SKILLS = [
    ("ride a bicycle", "fell into the grass", "look straight ahead and keep your feet moving",
     "rolled down the lane like the wind"),
    ("whistle", "made only a sound like a leaking pipe", "make your lips small and round",
     "whistled a tune so clear that the birds answered"),
    ("skate", "sat down hard on the ice", "bend your knees and glide like a swan",
     "made a big circle without falling"),
    ("bake bread", "burned it until it was black", "be patient and watch the oven",
     "took a golden loaf out of the oven"),
    ("paint", "spilled the water over the paper", "look for a long time before you begin",
     "painted a picture that everybody wanted to see"),
    ("juggle", "dropped every ball on {his} toes", "begin with two balls and count aloud",
     "kept three balls in the air"),
    ("tie a knot", "tied both thumbs together", "think of a rabbit running around a tree",
     "tied a knot that nobody could open"),
    ("row a boat", "went round and round in a circle", "pull with both arms at the same time",
     "rowed straight to the other side"),
    ("play the violin", "made a noise that scared the cat", "move the bow as gently as a feather",
     "played a song that made people stop and listen"),
    ("dance", "stepped on everybody's toes", "listen to the drum and count to four",
     "turned and jumped in time with the music"),
    ("read", "mixed up all the letters", "say each letter softly and then put them together",
     "read a whole page without a mistake"),
    ("build a tower", "saw it tumble down again and again", "put the biggest stones at the bottom",
     "built a tower as tall as a door"),
]  # fmt: skip


def learning_a_skill(rng):
    """It goes wrong, somebody gives advice, practice makes it go right."""
    hero, rival = heroes(rng, 2)
    teacher = grown_up(rng, hero)
    skill, failed, advice, managed = rng.choice(SKILLS)
    good, bad = rng.choice(GOOD), rng.choice(BAD)
    return f"""{opening(rng, hero)} More than anything, {hero} wanted to learn to {skill}.
    [{rival} could already do it, and it looked so easy.|{hero.he} had seen {rival} do it.]

    {ONE_DAY}, {hero} tried for the first time, but {hero.he} {hero.fill(failed)}. {hero.he} tried
    again, and again {hero.he} {hero.fill(failed)}. "[I will never learn it|It is too hard|I give
    up]!" cried {hero}. {hero.he} was {bad.word}, and {hero.fill(bad.shown)}.

    {teacher} [had seen everything|came and sat down beside {hero.him}|smiled]. "[Nobody can do it
    on the first day|I needed a whole year|Every master was once a beginner]," said {teacher}.
    "You must {advice}. And then you must practise." So {hero} practised [every morning|every day
    after lunch|day after day], [in sunshine and in rain|even when {hero.he} was tired]. {hero.he}
    never forgot the advice.

    [One week later|At the end of the month|Then one day], it happened. {hero} {managed}!
    "[Look|Look at that|Well done]!" called {rival}. "Now you can {skill} too!" {hero} was
    {good.word}, and {hero.fill(good.shown)}. "[Thank you for your advice|You were right],
    {teacher.called}," said {hero}. [And the next day {hero} showed it to a smaller
    friend.|"Tomorrow I will practise again."|]"""


# What may be in the way, what makes it hard, and how two travellers get past it.
TROUBLES = [
    ("the bridge was broken", "There was a deep stream below.",
     "They laid a long branch over the water and walked across it"),
    ("the path was covered with thorns", "Nobody could pass.",
     "They crawled under the thorns like two little snakes"),
    ("a high wall stood in the way", "There was no gate anywhere.",
     "One stood on the shoulders of the other and threw down a rope"),
    ("the road split in two", "There was no sign at all.",
     "They looked for the sun and took the path to the east"),
    ("the road was deep with mud", "Their feet almost got stuck.",
     "They laid flat stones on the mud and stepped from stone to stone"),
    ("a big goose stood in the way", "She hissed and flapped her wings.",
     "They gave her some bread, and she let them pass"),
    ("the sun was going down", "They could hardly see their feet.",
     "They followed the tiny lights of the fireflies"),
    ("a tree had fallen across the path", "It was too heavy to move.",
     "They climbed over the trunk, and each helped the other"),
]  # fmt: skip
GIFTS = [
    "basket of food", "letter", "warm blanket", "bunch of flowers", "pot of soup",
]  # fmt: skip
FAR_AWAY = """[behind the mountain|on the other side of the forest|far away by the sea
    |three valleys away|at the end of the long river]"""


def journey(rng):
    """Two friends carry something far, through two troubles."""
    hero, friend = heroes(rng, 2)
    one = grown_up(rng, hero, among=GROWN_UPS[2:])
    gift = rng.choice(GIFTS)
    (first, worse, way), (second, still_worse, other_way) = rng.sample(TROUBLES, 2)
    good = rng.choice(GLAD)
    return f"""{opening(rng, hero)} {one} lived {FAR_AWAY} and was [ill in bed|very lonely|not
    feeling well]. {ONE_DAY}, {hero} decided to bring {one.him} a {gift}. "[It is a long way|You
    should not go alone]," said {friend}. "I will come with you."

    They [packed some bread and an apple|put on their strong boots|left when the sun came up] and
    began to walk. [Soon|After an hour|Near a mill], they saw that {first}. {worse} "[What shall
    we do now|Must we turn back|How can we go on]?" asked {friend}. "[I have an idea|Let us
    think|We will find a way]," said {hero}. {way}. They [cheered|laughed] and went on.

    [Later|In the afternoon|A few miles later], they saw that {second}. {still_worse} This time it
    was {friend} who had an idea. {other_way}.

    [When the moon came out|Tired but happy|In the evening], they [knocked at|came to] {one}'s
    door. {one} could not believe {one.his} eyes. "[You came all this way for me|Have you walked
    so far for me]?" {one.he} asked. {hero} gave {one.him} the {gift}, and {friend} told {one.him}
    about the journey. {one} was {good.word}, and {one.fill(good.shown)}. [Together they ate and
    talked until late at night.|"With friends like you, I feel better already," {one.he} said.|The
    way home seemed only half as long.]"""


def race(rng):
    """The fast one stops to help and is happier than the winner."""
    hero, rival = heroes(rng, 2)
    place = rng.choice(PLACES)
    colour = rng.choice(COLOURS)
    stranger = rng.choice([a.kind for a in SMALL_ANIMALS if a.kind not in (hero.kind, rival.kind)])
    good = rng.choice(GLAD)
    return f"""{opening(rng, hero)} {ONE_DAY}, there was a big race. It began {place.at} and went
    [to the church and back|around the village|over three hills]. The prize was a {colour}
    [ribbon|cup|flag]. "I will win," said {rival}. "We will see," said {hero}.

    Ready, steady, go! {hero} ran [as fast as the wind|faster than ever] and was soon [in
    front|ahead of everybody]. But then {hero.he} heard a [small voice|soft cry].
    {rng.choice(place.spots)} sat a tiny {stranger} with [a thorn in its foot|its leg caught in a
    root|a string around its leg]. {hero} looked back. {rival} was coming closer. [What was more
    important?|Should {hero.he} stop?]

    {hero} stopped. "[Hold still|Do not be afraid], little friend," {hero.he} said, and {hero.he}
    helped the {stranger} until it was free. {rival} [ran past|rushed by] and won the race.

    When {hero} came in last, [nobody clapped|it was very quiet|some people laughed]. But {rival}
    had seen what had happened. {rival.he} went to {hero} and held out the prize. "You were
    [faster|better] than I was," said {rival}. "You stopped to help the {stranger}. This belongs
    to you." {hero} was {good.word}, and {hero.fill(good.shown)}. "[Let us share it|We can both
    keep it|Let us hang it between our houses]," said {hero}. And that is what they did."""


# What one hears at night, and what it really is.
NOISES = [
    ("tap, tap, tap", "a branch that touched the window"),
    ("scratch, scratch", "a hungry mouse behind the stove"),
    ("creak, creak", "the old gate that moved in the wind"),
    ("plop, plop", "drops of water that fell into a bucket"),
    ("whoo, whoo", "an owl on the chimney"),
    ("rattle, rattle", "a loose shutter"),
    ("squeak, squeak", "the rusty wheel of a cart"),
    ("rustle, rustle", "a hedgehog in the dry leaves"),
]


def strange_noise(rng):
    """Something makes a noise at night; it is not what they thought."""
    hero, friend = heroes(rng, 2)
    noise, truth = rng.choice(NOISES)
    monster = rng.choice(["ghost", "dragon", "monster", "robber", "giant", "witch"])
    good = rng.choice(GLAD)
    return f"""{opening(rng, hero)} One [dark|stormy|cold] night, {friend} slept at {hero}'s home.
    They [were telling stories|were almost asleep|had just put out the light] when they heard a
    strange noise. "{noise}," it went. "Did you hear that?" asked {hero}. "[Maybe|Perhaps] it is a
    {monster}," whispered {friend}.

    They [pulled the blanket over their heads|held each other tight|did not dare to breathe].
    "{noise}," it went again, [louder than before|and then once more]. "[I cannot sleep like
    this|We must find out what it is]," said {hero}. "Let us go and look." {hero} took a
    [candle|lantern|lamp] and {friend} took a [broom|big spoon|pillow]. On tiptoe they went [down
    the stairs|along the wall|through the door].

    [Nearer and nearer came the noise.|Their knees were shaking.|Step by step they came closer.]
    {hero} lifted the light, and then {hero.he} began to laugh. It was not a {monster} at all. It
    was only {truth}! "[We were so silly|And we were so afraid|What a funny {monster}]!" said
    {friend}, and {friend.he} laughed too.

    They [drank warm milk|ate a cookie|went back to bed] and told each other [what they had
    thought|how brave they had been]. {hero} was {good.word}, and {hero.fill(good.shown)}. Soon
    they [slept deeply until morning|were fast asleep]. [And the noise went on, but nobody was
    afraid of it any more.|]"""


PLOTS_OF_COURAGE = [fear_overcome, learning_a_skill, journey, race, strange_noise]
